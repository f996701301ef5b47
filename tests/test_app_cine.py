"""The frames of an open cine, and what they show: without a browser and without a network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import nibabel as nib
import numpy as np
import pytest
from app_server import Arrived, fake_models, fake_served
from cines import AFFINE, SECONDS, SHAPE, beating, save_cine
from fake_segmenter import FakeSegmenter, PausedSegmenter

from app.page.cine import follow_by, series
from app.page.visits import Visits
from app.scan.cine import FrameFiles, FrameNotReadyError, HeldFrames, OpenCine, UnwatchedError
from app.scan.description import describe
from app.scan.frame_request import RequestError
from app.scan.heart import curve_file, frame_file, heart_of, series_file, told
from app.scan.models import Served
from app.scan.open_scan import OpenScan
from app.scan.truth import truths_of_frames
from app.visit.cines import Cines
from app.visit.examples import Examples, find_examples
from app.visit.links import Link
from app.visit.openings import Openings
from app.visit.parcels import Parcel, SentFrames
from app.visit.session import SessionError, SessionStore
from vqseg.cardiac import read_curves
from vqseg.data.scan import ScanError, read_scan
from vqseg.inference import Cine, segment_cine

FRAMES = 5


def opened(path: Path, served: Served | None = None, most_bytes: int = 2**28, **options: bool) -> OpenCine:
    """Frame 0 of a cine, watched by "me"."""
    model = served or fake_served()
    scan = read_scan(path)
    cine = OpenCine(OpenScan(model.segmenter.open(scan), model), FrameFiles.of_cine(path, scan.frames), most_bytes=most_bytes, **options)
    cine.join("me")
    return cine


def encoded(cine: OpenCine) -> list[int]:
    """Encode all that is missing, and give the order."""
    order = []
    assert cine.begin()
    while (index := cine.following()) is not None:
        cine.encode(index)
        order.append(index)
    return order


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        Event().wait(0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return save_cine(tmp_path / "heart.nii.gz")


def test_the_frames_beside_the_wanted_one_are_encoded_first_round_the_cycle(path: Path) -> None:
    cine = opened(path)
    assert cine.ready == [0]
    assert encoded(cine) == [1, 4, 2, 3]
    cine = opened(path)
    cine.want(3)
    assert encoded(cine) == [3, 4, 2, 1]
    assert cine.complete
    assert cine.ready == list(range(FRAMES))
    assert not cine.begin()


def test_every_frame_is_the_file_s_own(path: Path) -> None:
    cine = opened(path)
    encoded(cine)
    for index in range(FRAMES):
        frame, scan = cine.frame(index), read_scan(path, index)
        assert frame.frame == index
        np.testing.assert_array_equal(frame.segmented.scan.voxels, scan.voxels)
        np.testing.assert_array_equal(frame.segmented.labels, FakeSegmenter().open(scan).labels)


def test_frames_for_which_there_is_no_room_keep_their_labels_and_come_back_when_wanted(path: Path) -> None:
    cine = opened(path, most_bytes=1)
    assert sorted(encoded(cine)) == [1, 2, 3, 4]
    assert cine.complete
    assert not cine.keeps_all
    assert len(cine.ready) == 2
    gone = next(index for index in range(FRAMES) if index not in cine.ready)
    with pytest.raises(FrameNotReadyError, match=f"frame {gone} is not encoded"):
        cine.frame(gone)
    cine.want(gone)
    assert encoded(cine) == [gone]
    assert cine.frame(gone).frame == gone


def test_a_cine_takes_no_more_bytes_than_it_was_given_and_says_so_from_the_start(path: Path) -> None:
    cine = opened(path, most_bytes=2**28)
    before = cine.byte_size, cine.first.byte_size
    encoded(cine)
    assert (cine.byte_size, cine.first.byte_size) == before
    held = sum(cine.frame(index).segmented.byte_size for index in range(1, FRAMES))
    assert held <= cine.byte_size
    assert opened(path, most_bytes=1000).byte_size == 1000 + FRAMES * np.prod(SHAPE)


def test_encoding_ends_when_nobody_watches_any_more(path: Path) -> None:
    paused = PausedSegmenter()
    cine, cines = opened(path, Served("paused", "Paused", None, paused)), Cines(Openings())
    with paused.pause():
        cines.go_on(cine)
        until(lambda: paused.at_work == 1)
        cine.join("another")
        cine.leave("me")
        assert cine.watched()
        cine.leave("another")
        until(lambda: paused.at_work == 0)
    assert cine.ready == [0]
    assert not cine.begin()
    with pytest.raises(UnwatchedError):
        cine.encode(1)
    cine.join("me")
    assert encoded(cine) == [1, 4, 2, 3]


def test_a_scan_that_is_being_opened_goes_first(gate: Event) -> None:
    openings, began = Openings(), Event()
    with openings.opening() as opening, openings.turn(opening):

        def work() -> None:
            with openings.spare_time(lambda: True) as free:
                assert free
                began.set()

        worker = Thread(target=work, daemon=True)
        worker.start()
        assert not began.wait(0.05)
    assert began.wait(60)
    worker.join(60)
    with openings.spare_time(lambda: False) as free:
        assert not free


def test_a_frame_that_cannot_be_read_ends_the_work_and_says_why(tmp_path: Path) -> None:
    path = save_cine(tmp_path / "heart.nii", beating())
    cine = opened(path)
    path.write_bytes(path.read_bytes()[:-10])
    cines = Cines(Openings())
    cine.want(4)
    cines.go_on(cine)
    until(lambda: cine.error != "")
    assert told(cine)["stopped"]
    assert "cut off" in told(cine)["problem"]
    assert str(tmp_path) not in told(cine)["problem"]


def test_a_visitor_s_file_is_deleted_with_the_last_cine_that_reads_it(tmp_path: Path) -> None:
    path = save_cine(tmp_path / "heart.nii.gz")
    parcel = Parcel([path])
    source = SentFrames(parcel, FRAMES, 2**28)
    path.unlink()
    own = Path(parcel._folder.name)
    del parcel
    model = fake_served()
    first = OpenCine(OpenScan(model.segmenter.open(source.read(0)), model), source, most_bytes=2**28)
    second = OpenCine(OpenScan(model.segmenter.open(source.read(0)), model), first.source, most_bytes=2**28)
    del source
    first.first.close()
    assert own.exists()
    second.first.close()
    assert not own.exists()
    with pytest.raises(FrameNotReadyError):
        _ = second.source


def test_volumes_and_ejection_fraction_are_those_of_the_command_line(path: Path) -> None:
    cine = opened(path)
    assert told(cine)["heart"] is None
    encoded(cine)
    answer, expected = told(cine), segment_cine(FakeSegmenter(), Cine(path))
    assert answer["heart"] == expected.function.to_json()
    assert answer["heart"]["lv"]["ejection_fraction_percent"] > 20
    assert answer["unit"] == "ml"
    assert answer["seconds"] == pytest.approx(SECONDS)
    for name in ("LV", "RV", "MYO"):
        assert answer["volumes"][name] == pytest.approx(expected.curves.ml(name))


def test_the_curve_fills_as_frames_come(path: Path) -> None:
    cine = opened(path)
    cine.encode(2)
    volumes = told(cine)["volumes"]["LV"]
    assert [volume is None for volume in volumes] == [False, True, False, True, True]
    assert told(cine)["done"] == 2


def test_unknown_spacing_gives_ratios_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "heart.npy", beating())
    cine = opened(tmp_path / "heart.npy")
    encoded(cine)
    answer = told(cine)
    assert answer["unit"] == "voxels"
    assert not answer["heart"]["spacing_known"]
    assert answer["heart"]["lv"]["edv_ml"] is None
    assert answer["heart"]["lv"]["ejection_fraction_percent"] > 20
    assert any("unknown spacing" in note for note in answer["heart"]["notes"])


def test_a_checkpoint_without_a_left_ventricle_has_frames_but_no_curve(path: Path) -> None:
    cine = opened(path, fake_served("lungs", ("background", "nodule")))
    encoded(cine)
    answer = told(cine)
    assert answer["volumes"] == {}
    assert "no left ventricle" in answer["problem"]
    assert not answer["stopped"]
    with pytest.raises(RequestError, match="left ventricle"):
        series(cine.first, {"kind": "curve"})


@pytest.mark.parametrize("first", [0, 1])
def test_of_a_pair_the_larger_left_ventricle_is_end_diastole_in_either_order(tmp_path: Path, first: int) -> None:
    voxels, model = beating(), fake_served()
    phases = [save_cine(tmp_path / f"{name}.nii.gz", voxels[..., frame]) for name, frame in (("ed", 0), ("es", 2))]
    scans = [read_scan(phases[first]), read_scan(phases[1 - first])]
    cine = OpenCine(OpenScan(model.segmenter.open(scans[0]), model), HeldFrames(scans), most_bytes=2**28, paired=True)
    cine.join("me")
    encoded(cine)
    heart = heart_of(cine)
    assert (heart.ed_frame, heart.es_frame) == (first, 1 - first)
    assert any(f"scan {first + 1} is taken as end-diastole" in note for note in heart.notes)
    whole = opened(save_cine(tmp_path / "whole.nii.gz"))
    encoded(whole)
    assert heart.lv.ejection_fraction_percent == pytest.approx(heart_of(whole).lv.ejection_fraction_percent)
    assert heart.lv.edv_ml is not None
    # The table keeps the order in which the scans were opened.
    content = curve_file(cine)[1].decode().splitlines()
    assert float(content[1].split(",")[2]) == pytest.approx(told(cine)["volumes"]["LV"][0], rel=1e-4)


def test_all_labels_are_saved_as_one_series_on_the_input_s_grid(path: Path, tmp_path: Path) -> None:
    cine = opened(path)
    with pytest.raises(RequestError, match="1 of 5 frames"):
        series_file(cine)
    encoded(cine)
    name, content = series_file(cine)
    assert name == "heart_labels.nii.gz"
    (tmp_path / name).write_bytes(content)
    image = nib.load(tmp_path / name)
    np.testing.assert_allclose(image.affine, AFFINE)
    assert image.header["pixdim"][4] == pytest.approx(SECONDS)
    expected = np.stack([cine.frame(index).segmented.labels for index in range(FRAMES)], -1)
    np.testing.assert_array_equal(np.asarray(image.dataobj), expected)
    name, content = curve_file(cine)
    assert name == "heart_volumes.csv"
    (tmp_path / name).write_bytes(content)
    assert read_curves(tmp_path / name).voxels["LV"] == tuple(int((expected[..., i] == 3).sum()) for i in range(FRAMES))


def test_one_frame_s_labels_say_which_frame_in_their_name(path: Path, tmp_path: Path) -> None:
    cine = opened(path)
    encoded(cine)
    name, content = frame_file(cine.frame(3))
    assert name == "heart_frame3_labels.nii.gz"
    (tmp_path / name).write_bytes(content)
    np.testing.assert_array_equal(read_scan(tmp_path / name).voxels, cine.frame(3).segmented.labels)
    assert frame_file(cine.first)[0] == "heart_labels.nii.gz"


def test_the_store_gives_frames_by_the_cine_s_token(path: Path) -> None:
    cine, store = opened(path), SessionStore(2**28)
    token = store.put(cine.first, "me")
    assert store.get(token) is cine.first
    with pytest.raises(SessionError, match="frame 2 is not encoded"):
        store.get(f"{token}.2")
    cine.encode(2)
    assert store.get(f"{token}.2") is cine.frame(2)
    for wrong in ("9", "-1", "x", "²", "1" * 30):
        with pytest.raises(SessionError):
            store.get(f"{token}.{wrong}")
    store.release("me")
    assert not cine.watched()
    with pytest.raises(SessionError):
        store.get(f"{token}.2")


def test_a_shared_cine_goes_on_for_the_others(path: Path) -> None:
    cine, store = opened(path), SessionStore(2**28)
    cine.leave("me")
    for owner in ("first", "second"):
        store.put(cine.first, owner, shared=True)
        cine.join(owner)
    store.release("first")
    assert cine.watched()
    store.release("second")
    assert not cine.watched()
    # It is never closed: the next visitor has its frames.
    assert cine.source.count == FRAMES


def truths(path: Path, cine: OpenCine, shown: object) -> Callable[[int], np.ndarray | None]:
    return truths_of_frames(read_scan(path), lambda frame: read_scan(path, frame), cine, shown)


def test_truth_of_a_series_or_of_the_frame_on_show(path: Path, tmp_path: Path) -> None:
    cine = opened(path)
    cine.encode(2)
    labels = np.stack([FakeSegmenter().open(read_scan(path, index)).labels for index in range(FRAMES)], -1)
    every = save_cine(tmp_path / "truth.nii.gz", labels)
    cine.give_truths(truths(every, cine, 2))
    cine.encode(3)
    for index in (0, 2, 3):
        np.testing.assert_array_equal(cine.frame(index).truth, labels[..., index])
    other = np.zeros(SHAPE, np.uint8)
    cine.give_truths(truths(save_cine(tmp_path / "one.nii.gz", other), cine, 2))
    np.testing.assert_array_equal(cine.frame(2).truth, other)
    np.testing.assert_array_equal(cine.frame(3).truth, labels[..., 3])
    with pytest.raises(ScanError, match="2 frames and the cine 5"):
        truths(save_cine(tmp_path / "two.nii.gz", labels[..., :2]), cine, 2)


@pytest.fixture
def visits(example: Path) -> Visits:
    return Visits(fake_models(fake_served(), fake_served("second")), SessionStore(2**28), Arrived(), Examples([example]), Openings())


def wait_complete(cine: OpenCine) -> OpenCine:
    until(lambda: cine.complete)
    return cine


def test_an_uploaded_cine_opens_at_its_first_frame_and_the_others_follow(visits: Visits, path: Path) -> None:
    found = visits.upload(path, "fake", None, "me")
    assert not path.exists()
    assert found.scan.cine is not None
    assert found.value["cine"] == {"frames": FRAMES, "paired": False}
    assert wait_complete(found.scan.cine).ready == list(range(FRAMES))
    again = visits.checkpoint("second", found.value, None, "me")
    assert again.scan.model.name == "second"
    assert again.scan.cine is not None
    assert wait_complete(again.scan.cine).frame(4).model.name == "second"
    assert isinstance(again.scan.cine.source, SentFrames)
    visits.end("me")
    with pytest.raises(FrameNotReadyError):
        _ = again.scan.cine.source


def test_a_scan_of_one_frame_is_no_cine(visits: Visits, tmp_path: Path) -> None:
    found = visits.upload(save_cine(tmp_path / "one.nii.gz", beating()[..., 0]), "fake", None, "me")
    assert found.scan.cine is None
    assert describe("t", found.scan, "one")["cine"] is None
    with pytest.raises(RequestError, match="single frame"):
        follow_by(visits.cines)(found.scan, {"frame": 0})


def test_two_files_are_paired(visits: Visits, tmp_path: Path) -> None:
    voxels = beating()
    es, ed = (save_cine(tmp_path / f"{name}.nii.gz", voxels[..., frame]) for name, frame in (("es", 2), ("ed", 0)))
    alone = visits.upload(es, "fake", None, "me")
    pair = visits.pair(ed, alone.value, None, "me")
    assert pair.token != alone.token
    assert pair.scan.cine is not None
    assert pair.value["cine"] == {"frames": 2, "paired": True}
    answer = follow_by(visits.cines)(pair.scan, {"frame": 1})
    assert answer["ready"] == [0, 1]
    assert (answer["heart"]["ed_frame"], answer["heart"]["es_frame"]) == (1, 0)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda folder: save_cine(folder / "other.nii.gz", beating()[:-2, ..., 0]), "a pair needs one grid"),
        (lambda folder: save_cine(folder / "other.nii.gz"), "two files of one frame each"),
    ],
)
def test_what_is_no_pair_is_refused_and_the_scan_stays(visits: Visits, tmp_path: Path, made: Callable[[Path], Path], message: str) -> None:
    alone = visits.upload(save_cine(tmp_path / "one.nii.gz", beating()[..., 0]), "fake", None, "me")
    with pytest.raises(ScanError, match=message):
        visits.pair(made(tmp_path), alone.value, None, "me")
    assert visits.held(alone.value) is alone.scan


def test_an_example_takes_no_visitor_s_file_as_its_pair(visits: Visits, tmp_path: Path) -> None:
    shared = visits.example(visits._cases.titles[0], "fake", None, "me")
    assert shared is not None
    with pytest.raises(ScanError, match="bundled example"):
        visits.pair(save_cine(tmp_path / "es.nii.gz", beating()[..., 0]), shared.value, None, "me")


def test_a_bundled_cine_has_the_truth_of_every_frame(tmp_path: Path) -> None:
    path = save_cine(tmp_path / "beating.nii.gz")
    labels = np.stack([FakeSegmenter().open(read_scan(path, index)).labels for index in range(FRAMES)], -1)
    save_cine(tmp_path / "beating_truth.nii.gz", labels)
    scan = Examples([path]).open("Beating", fake_served())
    assert scan is not None
    assert scan.cine is not None
    scan.cine.join("me")
    scan.cine.encode(3)
    np.testing.assert_array_equal(scan.truth, labels[..., 0])
    np.testing.assert_array_equal(scan.cine.frame(3).truth, labels[..., 3])
    assert scan.cine.frame(3).example == "Beating"


@pytest.mark.parametrize(("text", "frame"), [("7", 7), ("0", 0), ("-1", 0), ("x", 0), (None, 0)])
def test_a_link_names_the_frame(text: str | None, frame: int) -> None:
    assert Link.read({"frame": text}, ["Case"], ()).frame == frame


def test_questions_are_checked(path: Path) -> None:
    cine, cines = opened(path), Cines(Openings())
    for wrong in (-1, FRAMES, 1.5, None, "2"):
        with pytest.raises(RequestError, match="frame"):
            follow_by(cines)(cine.first, {"frame": wrong})
    with pytest.raises(RequestError, match="kind must be one of"):
        series(cine.first, {"kind": "all"})


def test_the_two_phases_of_a_bundled_heart_are_a_pair_without_millilitres_where_the_spacing_is_nominal(tmp_path: Path) -> None:
    voxels, model = beating(), fake_served()
    for name, frame in (("ed", 0), ("es", 2)):
        save_cine(tmp_path / f"heart_{name}.nii.gz", voxels[..., frame])
    source = {"credit": "Nobody", "licence": "CC0 1.0", "spacing": "nominal"}
    case = {"name": "Heart", "line": "A heart", "look": "Look", "group": "Hearts", "source": "made", "checkpoint": "fake"}
    files = [{"file": f"heart_{name}.nii.gz", "phase": name.upper()} for name in ("ed", "es")]
    told_of = {"sources": {"made": source}, "cases": [{**case, "classes": list(model.classes), "files": files}]}
    (tmp_path / "examples.json").write_text(json.dumps(told_of), encoding="utf-8")
    scan = Examples(find_examples(tmp_path)).open("Heart ES", model)
    assert scan is not None
    assert scan.cine is not None
    scan.cine.join("me")
    encoded(scan.cine)
    heart = heart_of(scan.cine)
    assert (heart.ed_frame, heart.es_frame) == (1, 0)
    assert heart.lv.ejection_fraction_percent is not None
    assert heart.lv.edv_ml is None
    assert told(scan.cine)["unit"] == "voxels"
