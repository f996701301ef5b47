/* What the gallery is told: `cases_of` of app/page/gallery.py. */

/** A case, which one picture stands for. */
export interface Case {
  name: string;
  line: string;
  look: string;
  group: string;
  credit: string;
  licence: string;
  note: string;
  /** an address with the picture in it, "" without one */
  picture: string;
  /** one, or both phases of a heart */
  files: { title: string; phase: string }[];
}
