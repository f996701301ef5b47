"""ZeroGPU: a GPU for large volumes where one is lent, and nothing of it anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import numpy as np
import pytest

from app.page import zero
from tests.tiny import tiny_model
from vqseg import load_model
from vqseg.data.preprocess import network_size
from vqseg.data.scan import read_scan, through_plane_axis
from vqseg.inference import Segmenter, open_here
from vqseg.inference import opening as work
from vqseg.types import Scan

ROOT = Path(__file__).parents[1]


class Lender:
    """In place of the package `spaces`: runs at once what is lent a GPU, or refuses."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.error: Exception | None = None

    def GPU(self, *, duration: Callable[..., int]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: N802
        def lend(function: Callable[..., Any]) -> Callable[..., Any]:
            def lent(*words: Any) -> Any:
                self.asked.append(duration(*words))
                if self.error is not None:
                    raise self.error
                return function(*words)

            return lent

        return lend


@pytest.fixture
def lender(monkeypatch: pytest.MonkeyPatch) -> Lender:
    """A ZeroGPU Space whose GPU is this CPU, and that lends it for any volume."""
    one = Lender()
    monkeypatch.setitem(sys.modules, "spaces", one)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setattr(work, "_DEVICE", "cpu")
    monkeypatch.setattr(work, "WORTH", 1)
    return one


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What visitors read."""
    lines: list[str] = []
    monkeypatch.setattr(gr, "Info", lambda text, **_: lines.append(text))
    return lines


def scan(slices: int = 5) -> Scan:
    voxels = np.random.default_rng(0).random((40, 36, slices), dtype=np.float32)
    return Scan(voxels, np.eye(4), (1.0, 1.0, 8.0), "heart")


def require_equal(one: Any, other: Any) -> None:
    for name in ("indices", "labels", "reconstruction", "distances", "pooled"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize("value", [None, "", "0", "false"])
def test_anywhere_else_nothing_is_imported_and_this_process_opens(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    if value is not None:
        monkeypatch.setenv("SPACES_ZERO_GPU", value)
    # An import of it would raise.
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert zero.opening() is open_here


def test_a_scan_opened_on_a_lent_gpu_is_the_same_scan(lender: Lender, told: list[str]) -> None:
    model, shares = tiny_model(), list[float]()
    opened = Segmenter(model, zero.opening()).open(scan(), shares.append)
    require_equal(opened, Segmenter(model).open(scan()))
    assert lender.asked == [10] and shares == [0, 1] and not told
    # Replaying asks for nothing more.
    opened.perturb(0, strength=0.5, seed=0)
    assert len(lender.asked) == 1


def test_the_longer_the_volume_the_longer_the_loan_up_to_a_minute(lender: Lender) -> None:
    model = tiny_model()
    asked = [work.seconds_on_gpu(model, np.zeros((slices, 4, 4)), 1) for slices in (60, 600, 6000)]
    assert asked == [13, 40, 60]


def test_small_volumes_ask_for_no_gpu(lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model()
    size = 5 * np.prod(network_size((40, 36), model.preprocess))
    for worth, times in ((size + 1, 0), (size, 1)):
        monkeypatch.setattr(work, "WORTH", worth)
        Segmenter(model, zero.opening()).open(scan())
        assert len(lender.asked) == times


def test_no_bundled_example_is_large_enough_to_ask() -> None:
    paths = [path for folder in ("examples", "cine") for path in (ROOT / "assets" / folder).glob("*.*") if "_truth" not in path.name]
    scans = [read_scan(path) for path in paths if path.suffix in (".gz", ".png")]
    checkpoints = [load_model(name).preprocess for name in ("acdc-10", "acdc-05", "lidc-10", "scd-10", "acdc-10-scd")]
    assert len(scans) > 10
    for one in scans:
        shape = np.moveaxis(one.voxels, through_plane_axis(one), 0).shape
        for preprocess in checkpoints:
            assert shape[0] * np.prod(network_size((shape[1], shape[2]), preprocess)) < work.WORTH, one.name


@pytest.mark.parametrize(
    "error",
    [
        gr.Error("You have exceeded your GPU quota (60s requested vs. 0s left).", title="ZeroGPU quota exceeded"),
        httpx.ConnectError("nobody lends"),
    ],
)
def test_the_end_of_the_quota_is_said_kindly_and_the_scan_opens_all_the_same(lender: Lender, told: list[str], error: Exception) -> None:
    lender.error = error
    model = tiny_model()
    require_equal(Segmenter(model, zero.opening()).open(scan()), Segmenter(model).open(scan()))
    assert told == [zero.WITHOUT]
    assert "share of today is used up" in zero.WITHOUT and "Error" not in zero.WITHOUT


def test_an_error_of_our_own_is_no_end_of_a_quota(lender: Lender, told: list[str]) -> None:
    lender.error = RuntimeError("a fault")
    with pytest.raises(RuntimeError, match="a fault"):
        Segmenter(tiny_model(), zero.opening()).open(scan())
    assert told == []


def test_the_network_itself_stays_where_it_is(lender: Lender) -> None:
    model = tiny_model()
    before = [id(one) for one in model.parameters()]
    Segmenter(model, zero.opening()).open(scan())
    assert [id(one) for one in model.parameters()] == before
