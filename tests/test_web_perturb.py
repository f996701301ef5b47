"""Arithmetic that app/tabs/perturb has in JavaScript too, on cases that tests/web reads as well."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.scan.frames import Frame
from app.tabs.perturb.figure import CURVES, FIGURES, strength_curves
from vqseg.inference import label_agreement

PAIRS = json.loads((Path(__file__).parent / "fixtures" / "agreement.json").read_text())


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["name"])
def test_label_pictures_agree_as_in_the_browser(pair: dict) -> None:
    one, other = np.array(pair["one"]), np.array(pair["other"])
    assert label_agreement(one, other) == pytest.approx(pair["dice"], abs=1e-12)
    assert (one == other).mean() == pytest.approx(pair["same"], abs=1e-12)


def test_the_figures_that_the_browser_fills_in_are_those_of_the_traces() -> None:
    traces = strength_curves()["data"]
    names = [trace["name"] for trace in traces[: 2 * len(FIGURES)]]
    assert names == [*CURVES, *CURVES]
    assert len(FIGURES) == len(CURVES)
    assert {"dice_vs_clean", "agreement", "psnr"} <= Frame.__dataclass_fields__.keys()
