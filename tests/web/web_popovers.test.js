import assert from "node:assert/strict";
import { test } from "node:test";

import { placeBeside } from "../../app/web/popovers.js";

const room = { width: 390, height: 844 };
const panel = { width: 290, height: 300 };

test("a panel stands below its button, and within the window wherever the button is", () => {
  assert.deepEqual(placeBeside({ left: 20, bottom: 100 }, panel, room), { left: 20, top: 106 });
  for (const [left, bottom] of [
    [380, 100],
    [-50, -90],
    [100, 840],
  ]) {
    const { left: x, top: y } = placeBeside({ left, bottom }, panel, room);
    assert.ok(x >= 0 && x + panel.width <= room.width);
    assert.ok(y >= 0 && y + panel.height <= room.height - 40);
  }
});
