"""What the Codebook tab's server functions answer, against the arrays they are asked about."""

from __future__ import annotations

import base64
import io
import sys
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from app_server import fake_served, fake_statistics, rich_statistics, save_scan
from fake_segmenter import CODES, FakeSegmenter
from PIL import Image

from app.scan.curves import STEPS
from app.scan.frame_request import RequestError
from app.scan.open_scan import OpenScan
from app.scan.radii import Kinds, TwoRadii
from app.tabs.codebook.answers import atoms, book, card, patches, presence, where
from app.tabs.codebook.film import draw_film, evolution, film
from app.tabs.codebook.layouts import Job, Layouts
from app.visit.answering import Handler, answering
from app.visit.session import SessionStore
from vqseg.codebook import CodebookStatistics, kind_curves, layout, radii
from vqseg.data.scan import read_scan
from vqseg.inference import label_agreement

VIEW = {"plane": "axial", "index": 0, "strength": 0.0, "mode": "resample", "seed": 0}


@pytest.fixture
def statistics() -> CodebookStatistics:
    return rich_statistics()


@pytest.fixture
def scan(tmp_path: Path, statistics: CodebookStatistics) -> OpenScan:
    served = replace(fake_served(), statistics=statistics)
    return OpenScan(FakeSegmenter().open(read_scan(save_scan(tmp_path / "scan.nii.gz"))), served)


def unpacked(text: str, dtype: Any, *shape: int) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype).reshape(shape or (-1,))


def test_a_book_tells_counts_classes_and_stages_exactly(scan: OpenScan, statistics: CodebookStatistics) -> None:
    answer = book(scan, {})
    np.testing.assert_array_equal(unpacked(answer["counts"], np.float64), statistics.counts)
    np.testing.assert_array_equal(unpacked(answer["class_counts"], np.float64, CODES, -1), statistics.class_counts)
    np.testing.assert_array_equal(unpacked(answer["projection"], np.float32, CODES, 2), statistics.projection)
    used = statistics.evolution_counts > 0
    first = [next((step for step, row in enumerate(used) if row[code]), -1) for code in range(CODES)]
    assert unpacked(answer["stage"], np.int32).tolist() == first
    assert dict(answer["ablation"]) == pytest.approx(dict(zip(statistics.ablation_codes, statistics.ablation_dice, strict=True)))
    assert book(scan, {"known": answer["key"]}) == {"same": True}


def test_a_checkpoint_without_statistics_or_with_few_of_them_is_said_and_never_breaks(tmp_path: Path) -> None:
    segmented = FakeSegmenter().open(read_scan(save_scan(tmp_path / "scan.nii.gz")))
    none = OpenScan(segmented, fake_served())
    assert book(none, {}) == {"none": True}
    with pytest.raises(RequestError, match="no codebook statistics"):
        card(none, {"code": 1})
    few = OpenScan(segmented, replace(fake_served(), statistics=fake_statistics()))
    answer = book(few, {})
    assert (answer["stage"], answer["ablation"]) == (None, None)
    assert presence(few, {})["drift"] is None
    np.testing.assert_array_equal(unpacked(atoms(few, {"codes": [1, 9]})["atoms"], np.uint8, 2, 4, 4), segmented.atoms([1, 9]))
    assert patches(few, {"code": 1}) == {"patches": None}
    assert evolution(few, {}) == {"steps": None}
    known = card(few, {"code": 3})
    assert (known["partners"], known["position"], known["atom_label"]) == (None, None, None)


def test_presence_and_where_count_the_scans_own_tokens(scan: OpenScan) -> None:
    indices = scan.segmented.indices
    counts = unpacked(presence(scan, {})["counts"], np.int32)
    assert counts.tolist() == [int((indices == code).sum()) for code in range(CODES)]
    wanted = np.flatnonzero(counts)[:3].tolist()
    expected = [sum(int((one == code).sum()) for code in wanted) for one in indices]
    assert where(scan, {"codes": wanted}) == {"slices": expected}
    assert where(scan, {"codes": []}) == {"slices": [0] * len(indices)}


def test_presence_carries_the_verdict_of_the_statistics(scan: OpenScan, statistics: CodebookStatistics) -> None:
    drift = statistics.drift(scan.segmented.indices)
    assert presence(scan, {})["drift"] == {"distance": drift.distance, "quantile": drift.quantile, "outside": drift.outside}


def test_a_card_tells_neighbours_partners_place_and_atom(scan: OpenScan, statistics: CodebookStatistics) -> None:
    code = int(np.flatnonzero(statistics.counts)[0])
    answer, found = card(scan, {"code": code}), scan.segmented.neighbours(code, 10)
    assert [row[0] for row in answer["neighbours"]] == found.codes.tolist()
    assert [row[1] for row in answer["neighbours"]] == pytest.approx(found.distances.tolist())
    assert [row[2] for row in answer["neighbours"]] == pytest.approx(found.probabilities.tolist())
    pairs = zip(statistics.partners[code].tolist(), statistics.partner_counts[code].tolist(), strict=True)
    assert answer["partners"] == [pair for pair in pairs if pair[0] >= 0]
    assert answer["position"] == pytest.approx(statistics.position[code].tolist())
    assert answer["atom_label"] == statistics.atom_labels[code]
    dead = int(np.flatnonzero(statistics.counts == 0)[0])
    assert card(scan, {"code": dead})["position"] is None
    np.testing.assert_array_equal(
        unpacked(atoms(scan, {"codes": [dead, code]})["atoms"], np.uint8, 2, *statistics.atoms.shape[1:]), statistics.atoms[[dead, code]]
    )


@pytest.mark.parametrize(
    ("handler", "request_", "message"),
    [
        (card, {"code": CODES}, f"code must be a whole number from 0 to {CODES - 1}"),
        (card, {"code": "1"}, "code must be a whole number"),
        (card, {"code": True}, "code must be a whole number"),
        (where, {"codes": "12"}, "codes must be a list"),
        (where, {"codes": list(range(CODES)) * 2}, f"at most {CODES}"),
        (atoms, {"codes": [-1]}, "code must be a whole number"),
        (atoms, {"codes": []}, "at least one code"),
        (Kinds().cost, {**VIEW, "kind": "dropout", "index": 99}, "slice index must be a whole number"),
        (Kinds().cost, {**VIEW, "kind": "dropout", "plane": "coronal"}, "choose plane axial"),
        (Kinds().cost, {**VIEW, "kind": "none"}, "kind must be one of resample, shuffle, dropout, channel_dropout, got 'none'"),
        (Kinds().kinds, {"reach": 0}, "reach must be a number from 1 to 63"),
        (Layouts().layout, {"method": "spiral", "dimensions": 2}, "method must be one of"),
        (Layouts().layout, {"method": "pca", "dimensions": True}, "dimensions must be 2 or 3"),
        (Layouts().layout, {"method": "umap", "dimensions": 2, "parameters": {"n_neighbors": 15.5}}, "n_neighbors must be a whole number"),
        (Layouts().layout, {"method": "umap", "dimensions": 2, "parameters": {"min_dist": float("nan")}}, "min_dist must be a number"),
        (Layouts().layout, {"method": "umap", "dimensions": 2, "parameters": {"metric": "<b>"}}, "metric must be one of"),
    ],
)
def test_a_wrong_request_is_answered_by_a_message(scan: OpenScan, handler: Any, request_: dict[str, Any], message: str) -> None:
    store = SessionStore(byte_cap=2**28)
    token = store.put(scan, "visit")
    assert message in answering(store, handler)({**request_, "token": token})["error"]


def test_only_the_token_opens_a_scan(scan: OpenScan) -> None:
    store = SessionStore(byte_cap=2**28)
    store.put(scan, "visit")
    ask = answering(store, presence)
    assert "no longer held" in ask({"token": "guessed"})["error"]
    assert "no longer held" in ask({})["error"]
    assert ask("text")["error"] == "the request must be an object"


def test_the_evolution_travels_whole_and_its_film_has_a_frame_a_moment(scan: OpenScan, statistics: CodebookStatistics) -> None:
    answer, counts = evolution(scan, {}), statistics.evolution_counts
    moments = len(statistics.evolution_steps)
    np.testing.assert_array_equal(unpacked(answer["places"], np.float32, moments, CODES, 2), statistics.evolution)
    np.testing.assert_array_equal(unpacked(answer["counts"], np.int32, moments, CODES), counts)
    assert answer["utilisation"] == pytest.approx([np.count_nonzero(one) / CODES for one in counts])
    shares = [one[one > 0] / one.sum() for one in counts]
    assert answer["perplexity"] == pytest.approx([np.exp(-(share * np.log(share)).sum()) for share in shares])
    with Image.open(io.BytesIO(base64.b64decode(film(scan, {})["bytes"]))) as picture:
        assert (picture.format, picture.n_frames) == ("GIF", moments)
        durations = []
        for frame in range(moments):
            picture.seek(frame)
            durations.append(picture.info["duration"])
    # The last moment stays longer, so that it can be read.
    assert durations[-1] > durations[0] > 0


def test_a_moment_of_a_smaller_codebook_shows_its_own_codewords_only(scan: OpenScan, statistics: CodebookStatistics) -> None:
    counts = statistics.evolution_counts.copy()
    counts[0, CODES // 2 :] = -1
    grown = replace(statistics, evolution_counts=counts)
    answer = evolution(OpenScan(scan.segmented, replace(scan.model, statistics=grown)), {})
    assert answer["utilisation"][0] == pytest.approx((counts[0] > 0).sum() / (CODES // 2))
    share = counts[0][counts[0] > 0] / counts[0][counts[0] > 0].sum()
    assert answer["perplexity"][0] == pytest.approx(np.exp(-(share * np.log(share)).sum()))
    places, none = np.zeros((1, 8, 2), np.float32), np.full((1, 8), -1)
    places[0] = np.arange(8)[:, None]
    none[0, :2] = 0

    def grey(shown: np.ndarray) -> int:
        with Image.open(io.BytesIO(draw_film(np.array([1]), places, shown))) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
            return int((np.abs(pixels[:, : pixels.shape[1] // 2] - (0xC3, 0xCE, 0xD4)).max(-1) < 12).sum())

    assert grey(none) < grey(np.zeros((1, 8), int))


def test_a_film_marks_the_codewords_in_use() -> None:
    places = np.tile(np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2), (2, 1, 1)).astype(np.float32)
    counts = np.stack([np.zeros(64, int), np.ones(64, int)])
    with Image.open(io.BytesIO(draw_film(np.array([0, 10]), places, counts))) as picture:
        teal = []
        for frame in range(2):
            picture.seek(frame)
            r, g, b = np.moveaxis(np.asarray(picture.convert("RGB")).astype(int)[:, : picture.width // 2], -1, 0)
            teal.append(int(((g - r > 60) & (b - r > 60)).sum()))
    assert teal[0] == 0
    assert teal[1] > 300


def test_both_radii_are_those_of_the_loaded_codebook(scan: OpenScan) -> None:
    answer = TwoRadii().radii(scan, {})
    found = radii(scan.segmented.codewords, scan.model.segmenter.temperature)
    assert answer["strengths"] == found.strengths.tolist()
    assert answer["quantized"] == pytest.approx(found.perturbation.tolist())
    assert answer["dropout"][-1] is None
    assert answer["dropout"][:-1] == pytest.approx(found.dropout[:-1].tolist())
    assert all(low <= value <= high for low, value, high in zip(answer["low"], answer["quantized"], answer["high"], strict=True))


def test_kinds_are_told_by_their_titles_with_radius_and_effect_under_the_usage_that_was_counted(
    scan: OpenScan, statistics: CodebookStatistics
) -> None:
    answer = Kinds().kinds(scan, {"reach": 5})
    expected = kind_curves(scan.segmented.codewords, statistics.counts, scan.model.segmenter.temperature_at(5), STEPS.tolist())
    assert [kind["title"] for kind in answer["kinds"]] == [one.kind.title for one in expected]
    assert answer["usage"] == statistics.source
    for told, one in zip(answer["kinds"], expected, strict=True):
        assert told["effect"] == pytest.approx(one.effect.tolist())
        assert told["radius"] == pytest.approx([value if np.isfinite(value) else None for value in one.radius])
    none = OpenScan(scan.segmented, fake_served())
    with pytest.raises(RequestError, match="no codebook statistics"):
        Kinds().kinds(none, {})


@pytest.mark.parametrize("kind", ["resample", "shuffle", "dropout", "channel_dropout"])
def test_what_a_kind_costs_is_the_dice_of_its_own_replays_whatever_the_page_shows(scan: OpenScan, kind: str) -> None:
    request = {**VIEW, "index": 2, "seed": 5, "kind": kind, "mode": "shuffle", "reach": 4, "edits": [[0, 0, 63]]}
    answer = Kinds().cost(scan, request)
    assert answer["strengths"] == STEPS.tolist()
    reach = 4.0 if kind == "resample" else None
    labels = scan.segmented.labels_at(2, STEPS.tolist(), kind, 5, {(0, 0): 63}, reach)
    assert answer["dice"] == [label_agreement(one, scan.segmented.labels[:, :, 2]) for one in labels]


def test_a_cost_is_computed_again_only_where_the_kind_depends_on_what_changed(scan: OpenScan) -> None:
    kinds, asked = Kinds(), {**VIEW, "index": 2, "kind": "dropout"}
    first = kinds.cost(scan, asked)
    assert kinds.cost(scan, {**asked, "reach": 3, "strength": 0.4}) is first
    assert kinds.cost(scan, {**asked, "seed": 1}) is not first
    near = kinds.cost(scan, {**asked, "kind": "resample", "reach": 3})
    assert kinds.cost(scan, {**asked, "kind": "resample", "reach": 60}) is not near


@pytest.mark.parametrize(("name", "asks"), [("_radii", lambda: TwoRadii().radii), ("_curves", lambda: Kinds().kinds)])
def test_one_reach_does_not_wait_for_another_and_those_of_a_whole_slider_are_kept(
    scan: OpenScan, monkeypatch: pytest.MonkeyPatch, name: str, asks: Callable[[], Handler]
) -> None:
    ask, slow, go_on, made = asks(), Event(), Event(), []

    def make(_: OpenScan, reach: float, *__: object) -> dict[str, float]:
        made.append(reach)
        if reach == 2:
            slow.set()
            assert go_on.wait(60)
        return {"reach": reach}

    monkeypatch.setattr(f"app.scan.radii.{name}", make)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ask, scan, {"reach": 2})
        try:
            assert slow.wait(60)
            assert threads.submit(ask, scan, {"reach": 3}).result(30) == {"reach": 3.0}
        finally:
            go_on.set()
        assert first.result(60) == {"reach": 2.0}
    # As many positions as the page's slider has for 4096 codewords.
    positions = [4 + place / 2 for place in range(91)]
    for reach in positions * 2:
        assert ask(scan, {"reach": reach}) == {"reach": reach}
    assert made == [2, 3, *positions]


def test_layouts_that_a_checkpoint_brings_and_pca_come_at_once(scan: OpenScan, statistics: CodebookStatistics, monkeypatch: Any) -> None:
    monkeypatch.setattr(Job, "run", lambda self: pytest.fail("nothing is to be computed"))
    layouts = Layouts()
    for method, dimensions, places in (
        ("umap", 2, statistics.projection),
        ("umap", 3, statistics.projection3),
        ("tsne", 2, statistics.tsne),
    ):
        answer = layouts.layout(scan, {"method": method, "dimensions": dimensions})
        np.testing.assert_array_equal(unpacked(answer["points"], np.float32, CODES, dimensions), places)
    answer = layouts.layout(scan, {"method": "pca", "dimensions": 3})
    expected = layout(scan.segmented.codewords, "pca", dimensions=3)
    np.testing.assert_allclose(unpacked(answer["points"], np.float32, CODES, 3), expected, atol=1e-4)


def test_another_layout_is_computed_in_a_process_of_its_own_and_kept(scan: OpenScan, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("VQSEG_CACHE_DIR", str(tmp_path / "cache"))
    asked = {"method": "tsne", "dimensions": 2, "parameters": {"n_neighbors": 5, "seed": 3}, "token": "t"}
    layouts = Layouts()
    first = layouts.layout(scan, asked)
    assert (first["waiting"], first["share"]) in ((True, None), (False, None))
    answer = awaited(lambda: layouts.layout(scan, asked))
    expected = layout(scan.segmented.codewords, "tsne", n_neighbors=5, seed=3, cache=tmp_path / "other")
    np.testing.assert_array_equal(unpacked(answer["points"], np.float32, CODES, 2), expected)
    # A new server finds it on the disk.
    assert Layouts().layout(scan, asked)["points"] == answer["points"]


def test_a_cancelled_layout_ends_its_process_unless_another_visitor_waits(scan: OpenScan, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("VQSEG_CACHE_DIR", str(tmp_path / "cache"))
    asked = {"method": "umap", "dimensions": 2, "parameters": {"n_neighbors": 7}}
    layouts = Layouts()
    layouts.layout(scan, {**asked, "token": "one"})
    layouts.layout(scan, {**asked, "token": "two"})
    (job,) = layouts._jobs.values()
    awaited(lambda: {"points": True} if job._process else {})
    layouts.layout(scan, {**asked, "token": "one", "cancel": True})
    assert job._process.poll() is None
    layouts.layout(scan, {**asked, "token": "two", "cancel": True})
    assert job._process.wait(30) != 0
    assert layouts._jobs == {}
    assert not list((tmp_path / "cache").glob("*.npy"))


def test_a_layout_that_fails_is_told_to_its_visitor_and_explained_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    job = Job(np.zeros((2, 3), np.float32), {"method": "umap", "dimensions": 2})
    assert job.run() is None
    assert job.error == "this projection could not be computed; the server's log says why"
    assert "at least four codewords" in caplog.text


def test_a_layout_that_cannot_even_begin_has_failed(scan: OpenScan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VQSEG_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    store = SessionStore(byte_cap=2**28)
    ask = answering(store, Layouts().layout)
    request = {"token": store.put(scan, "visit"), "method": "tsne", "dimensions": 2, "parameters": {"seed": 9}}
    assert awaited(lambda: ask(request), "error")["error"] == "this projection could not be computed; the server's log says why"


def test_layouts_that_have_failed_take_no_place_of_others(scan: OpenScan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VQSEG_CACHE_DIR", str(tmp_path))
    asked, layouts = Event(), Layouts()

    def fail(job: Job) -> None:
        assert asked.wait(60)
        job.error = "failed"

    monkeypatch.setattr(Job, "run", fail)

    def ask(seed: int) -> dict[str, Any]:
        return layouts.layout(scan, {"method": "tsne", "dimensions": 2, "parameters": {"seed": seed}})

    for seed in range(8):
        assert "share" in ask(seed)
    with pytest.raises(RequestError, match="several projections"):
        ask(8)
    asked.set()
    awaited(lambda: {"points": True} if all(job.error for job in layouts._jobs.values()) else {})
    # Nobody has asked for the failed ones again.
    asked.clear()
    assert "share" in ask(8)
    asked.set()


def awaited(ask: Any, key: str = "points", seconds: float = 200) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while key not in (answer := ask()):
        assert time.monotonic() < deadline, "the layout did not come"
        time.sleep(0.05)
    return answer
