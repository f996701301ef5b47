import assert from "node:assert/strict";
import { test } from "node:test";

import { axisTitle, fitted } from "../../app/web/axes.js";
import { fixture } from "./fixtures.js";

test("an axis is fitted and named as Python does it", () => {
  for (const { values, fit, ends, title } of fixture("axes")) {
    assert.deepEqual(fitted(values, fit), ends);
    assert.equal(axisTitle("Dice", ends[0]), title);
  }
});
