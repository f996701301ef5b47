/* What the parts of the tab share. */
import type { Edit, FileAnswer, ServerFunction } from "../../web/types";

/** What the server is asked for: the view on show, and how its labels are drawn. */
export interface Question {
  /** "lines", "labels", "tokens" or a figure */
  kind: string;
  token: string;
  plane: string;
  index: number;
  strength: number;
  mode: string;
  seed: number;
  edits: Edit[];
  reach: number | null;
  opacity: number;
  outline: boolean;
  shown: boolean;
  visible: string[];
  /** where the app runs, for the lines that ask it from elsewhere */
  address: string;
}

/** Texts that give the view on show again. */
export interface Lines {
  python: string;
  client: string;
  configuration: string;
}

export interface Server {
  export: ServerFunction<Question, FileAnswer & Partial<Lines>>;
  labels: ServerFunction<Question & { ending: string }, FileAnswer>;
  everything: ServerFunction<Question & { link: string }, FileAnswer>;
}

/** What every part of the tab gets from view.js. */
export interface Tab {
  root: HTMLElement;
  server: Server;
  say(message: string): void;
  /** a part of the component that is always there */
  find(selector: string): HTMLElement;
  /** the element with data-text=name */
  text(name: string): HTMLElement;
}
