/* The full names of structures that the tests use, where the page's head would tell them. */

import { facts } from "../../app/web/facts.js";

facts.structures = {
  RV: "right ventricle",
  LV: "left ventricle",
  MYO: "myocardium",
  NODULE: "lung nodule",
};
