import assert from "node:assert/strict";
import { test } from "node:test";

import { firstOf } from "../../app/web/language.js";
import { createTranslation } from "../../app/web/translation.js";

const { text, sentence } = createTranslation({
  numbers: { thousands: ".", decimal: "," },
  texts: {
    Slice: "Schicht",
    axial: "axial",
    and: "und",
    "right ventricle": "rechter Ventrikel",
    "left ventricle": "linker Ventrikel",
    "{plane} slice {#index}": "Schicht {index}, {plane}",
    "{share} of the {structures} changed": "{share} geändert: {structures}",
    "{#count} codes": "{count} Codes",
    "Swap [tokens] here.": "Tausche hier [Token].",
  },
});

test("a text is found whole, in any white space, which stays around it", () => {
  assert.equal(text("Slice"), "Schicht");
  assert.equal(text("\n  Slice "), "\n  Schicht ");
});

test("a text that the language lacks stays as it is", () => {
  for (const one of ["Slices", "heart 1.25.nii.gz", "", " ", "3 codes of 4"]) assert.equal(text(one), one);
});

test("what varies takes its place in the other language, translated too", () => {
  assert.equal(text("axial slice 3"), "Schicht 3, axial");
  assert.equal(
    text("2.8 % of the right ventricle and left ventricle changed"),
    "2,8 % geändert: rechter Ventrikel und linker Ventrikel",
  );
});

test("a share behind a name that the language lacks is written in the language", () => {
  assert.equal(
    text("LV 99.93 %, right ventricle < 0.1 %. Slice 3.5 %"),
    "LV 99,93 %, rechter Ventrikel < 0,1 %. Schicht 3,5 %",
  );
  assert.equal(text("v 1.2 3 %"), "v 1.2 3 %");
});

test("a number in a pattern is a number and no other words", () => {
  assert.equal(text("1,029 codes"), "1.029 Codes");
  assert.equal(text("many codes"), "many codes");
});

test("numbers with signs and units are written as the language does", () => {
  const written = {
    0.977: "0,977",
    "1,029": "1.029",
    "40.2 %": "40,2 %",
    "< 0.1 ml": "< 0,1 ml",
    "ε = 0.40": "ε = 0,40",
    "−3.5 dB": "−3,5 dB",
  };
  for (const [english, german] of Object.entries(written)) assert.equal(text(english), german);
});

test("facts that the page joins are translated one by one", () => {
  assert.equal(text("axial slice 3 · 1,451 codes"), "Schicht 3, axial · 1.451 Codes");
});

test("sentences that the page joins are translated one by one, also if one begins with a number", () => {
  const { text: joined } = createTranslation({
    numbers: { thousands: ".", decimal: "," },
    texts: { "Dice {#dice} without them.": "Dice {dice} ohne sie.", "{#count} tokens moved.": "{count} Token bewegt." },
  });
  assert.equal(joined("Dice 0.997 without them. 299 tokens moved."), "Dice 0,997 ohne sie. 299 Token bewegt.");
});

test("words in brackets end with their bracket", () => {
  const { text: listed } = createTranslation({
    numbers: { thousands: ".", decimal: "," },
    texts: {
      "{name}={value} ({expected})": "{name}={value} ({expected})",
      "a number": "eine Zahl",
      "a slice": "eine Schicht",
    },
  });
  assert.equal(listed("eps=7 (a number); slice=x (a slice)"), "eps=7 (eine Zahl); slice=x (eine Schicht)");
});

test("a sentence with words set apart is translated as a whole or not at all", () => {
  assert.equal(sentence("Swap [tokens]\n here."), "Tausche hier [Token].");
  assert.equal(sentence("Swap [codes] here."), undefined);
});

test("the first language that is wanted and offered is spoken, else English", () => {
  assert.equal(firstOf(["en", "de"], [null, "de-CH", "en"]), "de");
  assert.equal(firstOf(["en", "de"], ["fr", undefined, "EN"]), "en");
  assert.equal(firstOf(["en", "de"], []), "en");
});
