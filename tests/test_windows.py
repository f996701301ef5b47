"""Which windows of the input are offered for which scan."""

from __future__ import annotations

import re

import numpy as np
import pytest

from app.page.build import facts
from app.scan.windows import in_hounsfield_units, window_choices
from vqseg.types import Scan


def scan_of(*values: float) -> Scan:
    voxels = np.array(values, np.float32).reshape(-1, 1, 1)
    return Scan(voxels=voxels, affine=np.eye(4), spacing=(1.0, 1.0, 1.0), name="a.nii.gz")


@pytest.mark.parametrize(
    ("values", "expected"), [((-1024, 40, 900), True), ((-1000, 0), True), ((0, 900), False), ((-150, 60), False), ((-5.2, 3.1), False)]
)
def test_only_air_far_below_zero_makes_hounsfield_units(values: tuple[float, ...], expected: bool) -> None:
    scan = scan_of(*values)
    assert in_hounsfield_units(scan) is expected
    assert any(title.startswith("CT") for title, _ in window_choices(scan)) is expected


def test_the_titles_tell_the_centre_and_width_that_the_browser_draws() -> None:
    told = {name: re.findall(r"\((.+), (\d+) HU\)", title) for title, name in window_choices(scan_of(-1000, 1000))}
    pairs = {name: [int(found[0][0].replace("−", "-")), int(found[0][1])] for name, found in told.items() if found}
    assert pairs == facts()["windows"] == {"lung": [-600, 1500], "soft": [40, 400], "bone": [400, 1800]}
