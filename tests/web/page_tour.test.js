import assert from "node:assert/strict";
import { test } from "node:test";

import { STEPS, way } from "../../app/page/tour_steps.js";

test("epsilon moves first and then the reach, in small steps that end where the step ends", () => {
  const stops = way({ strength: 1, position: 0 }, { strength: 0.4, position: 90 });
  assert.deepEqual(stops.at(-1), { strength: 0.4, position: 90 });
  assert.ok(
    stops
      .filter(({ position }) => position === 0)
      .every((stop, i) => stop.strength === Number((0.95 - i / 20).toFixed(2))),
  );
  const reaching = stops.filter(({ position }) => position > 0);
  assert.ok(reaching.every(({ strength }) => strength === 0.4));
  assert.ok(reaching.every(({ position }, i) => i === 0 || position > reaching[i - 1].position));
  assert.ok(stops.length <= 30);
});

test("a way that leads nowhere has one stop", () => {
  assert.deepEqual(way({ strength: 1, position: 0 }, { strength: 1, position: 0 }), [{ strength: 1, position: 0 }]);
});

test("the tour takes less than a minute", () => {
  const far = 90;
  let from = { strength: 0, position: 0 };
  let stops = 0;
  for (const step of STEPS) {
    const to = { strength: step.strength, position: step.isFar ? far : 0 };
    stops += 1 + way(from, to).length;
    from = to;
  }
  assert.ok(stops * 0.2 + STEPS.length * 9 < 60);
});

test("a step tells what was measured, and where nothing is labelled it says so", () => {
  const figures = { changed_share: 0.071, psnr: 16.9, replaced_share: 0.4, dice_vs_clean: 0.95 };
  const clean = /** @type {any} */ ({ psnr: 27 });
  const said = STEPS[1].done(/** @type {any} */ (figures), clean);
  assert.ok(said.includes("27 to 17 dB") && said.includes("7.1 %"));
  assert.ok(STEPS[0].done(/** @type {any} */ ({ ...figures, changed_share: null }), clean).includes("no structure"));
});
