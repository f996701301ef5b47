"""`predict` over folders of many scans: what is done is skipped, shares come to the same files, and the summary tells of every scan."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from PIL import Image

from tests.tiny import tiny_model
from vqseg.checkpoint import save_model
from vqseg.cli import main, scans
from vqseg.cli.ahead import fetched_ahead
from vqseg.cli.known import KnownScans
from vqseg.cli.record import FOLDER, Entry, Record
from vqseg.cli.scans import named_works
from vqseg.cli.share import ShareError, device_of, share_of_run, works_of
from vqseg.data.sources import ScanSource, source_digest
from vqseg.files import digest_of
from vqseg.types import Share

ROOT = Path(__file__).parents[1]
RNG = np.random.default_rng(3)
NAMES = ["a.npy", "b.nii.gz", "c.png", "d.npy", "e.nii.gz"]


def call(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five scans, and a file that is none."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("a", "d"):
        np.save(folder / f"{name}.npy", RNG.random((20, 24, 3)).astype(np.float32))
    for name in ("b", "e"):
        nib.save(nib.Nifti1Image(RNG.random((20, 24, 3)).astype(np.float32), np.diag([1.5, 1.5, 8, 1])), folder / f"{name}.nii.gz")
    Image.fromarray(RNG.integers(0, 255, (20, 24), dtype=np.uint8)).save(folder / "c.png")
    (folder / "broken.nii.gz").write_bytes(b"no scan")
    return folder


@pytest.fixture
def segmented(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the scans that go through the network."""
    names: list[str] = []
    real = KnownScans.segment

    def segment(self: KnownScans, scan: Any) -> Any:
        names.append(scan.name)
        return real(self, scan)

    monkeypatch.setattr(KnownScans, "segment", segment)
    return names


def labels_in(output: Path) -> dict[str, bytes]:
    """All that lies there but the record and the summary."""
    files = {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    return {name: content for name, content in files.items() if name != "summary.csv" and not name.startswith(f"{FOLDER}/")}


def rows_of(output: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((output / "summary.csv").read_text(encoding="utf-8"))))


def timeless(output: Path) -> list[dict[str, str]]:
    return [row | {"seconds": "" if row["error"] else "some"} for row in rows_of(output)]


# The summary


def test_the_summary_has_volumes_times_and_errors_of_every_scan(
    folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert call("predict", folder, "--checkpoint", checkpoint, "--output", output) == 1
    rows = {row["name"]: row for row in rows_of(output)}
    assert list(rows) == sorted([*NAMES, "broken.nii.gz"])
    labels = np.asarray(nib.load(output / "b.nii.gz").dataobj)
    for number, name in enumerate(("RV", "MYO", "LV"), 1):
        assert float(rows["b.nii.gz"][f"{name}_ml"]) == pytest.approx((labels == number).sum() * 1.5 * 1.5 * 8 / 1000, rel=1e-5)
    assert (rows["b.nii.gz"]["shape"], rows["b.nii.gz"]["spacing_mm"]) == ("20 x 24 x 3", "1.5 x 1.5 x 8")
    # No millilitres where nobody knows how large a voxel is.
    assert (rows["a.npy"]["spacing_mm"], rows["a.npy"]["LV_ml"]) == ("", "")
    assert all(float(rows[name]["seconds"]) > 0 for name in NAMES)
    assert rows["b.nii.gz"]["familiarity"] in ("unknown", "doubtful")
    error = rows["broken.nii.gz"]["error"]
    assert error.startswith("broken.nii.gz is of an unknown type") and rows["broken.nii.gz"]["labels"] == ""
    assert str(tmp_path) not in (output / "summary.csv").read_text() + "".join(one.read_text() for one in (output / FOLDER).iterdir())
    assert "5 scans, 13 slices in " in capsys.readouterr().out


def test_no_error_of_the_summary_holds_a_path(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "a.npy").write_text("mine")
    (output / "c.png").mkdir()
    command = ("predict", folder, tmp_path / "gone.nii", "--checkpoint", checkpoint, "--output", output, "--report", tmp_path / "r.json")
    assert call(*command) == 1
    errors = {row["name"]: row["error"] for row in rows_of(output) if row["error"]}
    assert set(errors) == {"a.npy", "broken.nii.gz", "c.png", "gone.nii"}
    assert errors["a.npy"].startswith("a.npy was not written by this command")
    assert not any(str(tmp_path) in error for error in errors.values())
    assert json.loads((tmp_path / "r.json").read_text())["skipped"] == errors


def test_a_summary_of_somebody_else_is_kept(folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "summary.csv").write_text("mine")
    assert call("predict", folder, "--checkpoint", checkpoint, "--output", output) == 2
    assert "summary.csv was not written by this command" in capsys.readouterr().err
    assert (output / "summary.csv").read_text() == "mine" and list(labels_in(output)) == []


# Taking up


def test_what_is_done_is_skipped_and_what_has_changed_is_done_again(
    folder: Path, checkpoint: Path, tmp_path: Path, segmented: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    output, report = tmp_path / "out", tmp_path / "report.json"
    command = ("predict", folder, "--checkpoint", checkpoint, "--output", output, "--resume", "--report", report)
    assert call(*command) == 1 and sorted(segmented) == NAMES
    first, rows, told = labels_in(output), rows_of(output), report.read_text()
    segmented.clear()
    capsys.readouterr()
    assert call(*command) == 1 and segmented == []
    assert (labels_in(output), rows_of(output), report.read_text()) == (first, rows, told)
    assert "5 of 6 scans segmented" in (out := capsys.readouterr().out) and "5 of them before" in out
    # By content: another time is no change, another voxel is one.
    os.utime(folder / "a.npy", (1, 1))
    np.save(folder / "d.npy", RNG.random((20, 24, 3)).astype(np.float32))
    (output / "c.png").unlink()
    (folder / "broken.nii.gz").unlink()
    assert call(*command) == 0 and sorted(segmented) == ["c.png", "d.npy"]
    assert labels_in(output)["c.png"] == first["c.png"] and len(rows_of(output)) == 5


def test_another_checkpoint_or_option_does_all_again(folder: Path, checkpoint: Path, tmp_path: Path, segmented: list[str]) -> None:
    output = tmp_path / "out"
    command = ("predict", folder, "--output", output, "--resume", "--checkpoint")
    call(*command, checkpoint)
    first = labels_in(output)
    save_model(tiny_model(seed=8), tmp_path / "other")
    for words in ((tmp_path / "other",), (tmp_path / "other", "--average-views"), (checkpoint,)):
        segmented.clear()
        assert call(*command, *words) == 1 and sorted(segmented) == NAMES
    assert labels_in(output) == first


def test_half_a_file_never_counts_and_corrected_labels_are_kept(
    folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    command = ("predict", folder, "--checkpoint", checkpoint, "--output", output, "--resume")
    call(*command)
    first = labels_in(output)
    for name in ("a.npy", "b.nii.gz", "c.png"):
        (output / name).write_bytes(first[name][: len(first[name]) // 2])
    (output / "d.npy").write_bytes(b"")
    call(*command)
    assert labels_in(output) == first
    np.save(output / "d.npy", np.zeros((20, 24, 3), np.uint8))
    corrected = (output / "d.npy").read_bytes()
    capsys.readouterr()
    assert call(*command) == 1 and (output / "d.npy").read_bytes() == corrected
    assert "d.npy was changed since this command wrote it" in capsys.readouterr().err


def test_a_run_that_is_killed_anywhere_comes_to_the_files_of_one_that_is_not(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    assert call("predict", folder, "--checkpoint", checkpoint, "--output", whole) == 1
    command = [sys.executable, str(ROOT / "tests" / "killed_worker.py"), str(folder), str(checkpoint), str(tmp_path / "killed")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    ends = json.loads(answer.stdout.splitlines()[-1])
    assert len(ends) == 5 and all(one == [9, 9] for one in ends.values()), ends
    for place in ends:
        output = tmp_path / "killed" / place
        assert not (output / "summary.csv").exists()
        assert call("predict", folder, "--checkpoint", checkpoint, "--output", output, "--resume") == 1, place
        assert labels_in(output) == labels_in(whole), place
        assert timeless(output) == timeless(whole), place


def test_another_machine_takes_up_what_the_record_knows(
    folder: Path, checkpoint: Path, tmp_path: Path, segmented: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    command = ("predict", folder, "--checkpoint", checkpoint, "--output", output, "--resume")
    call(*command)
    first = labels_in(output)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    np.save(folder / "a.npy", RNG.random((20, 24, 3)).astype(np.float32))
    segmented.clear()
    assert call(*command) == 1 and segmented == ["a.npy"]
    assert {name for name in first if labels_in(output)[name] != first[name]} == {"a.npy"}


def test_a_damaged_record_costs_work_and_nothing_else(folder: Path, checkpoint: Path, tmp_path: Path, segmented: list[str]) -> None:
    output = tmp_path / "out"
    command = ("predict", folder, "--checkpoint", checkpoint, "--output", output, "--resume")
    call(*command)
    first = labels_in(output)
    record = output / FOLDER / "predict-1-of-1.jsonl"
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    (tmp_path / "outside.npy").write_bytes(first["a.npy"])
    for line in lines:
        if line.get("name") == "a.npy":
            line |= {"labels": "../outside.npy"}
        if line.get("name") == "b.nii.gz":
            line |= {"shape": 3}
    spoiled = "\n".join(["[]", "null", '{"labels": [], "sha256": 1}', "[" * 90, *map(json.dumps, lines), '{"name'])
    record.write_bytes(b"\xff\xfe\n" + spoiled.encode())
    segmented.clear()
    assert call(*command) == 1 and sorted(segmented) == ["a.npy", "b.nii.gz"]
    assert labels_in(output) == first


# Shares


def test_shares_come_to_the_files_and_the_summary_of_one_run(
    folder: Path, checkpoint: Path, tmp_path: Path, segmented: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    # Both are labelled as c.png: one of them is refused, with shares and without.
    Image.open(folder / "c.png").save(folder / "c.bmp")
    command = ("predict", folder, "--checkpoint", checkpoint, "--output")
    assert call(*command, tmp_path / "one") == 1
    capsys.readouterr()
    segmented.clear()
    for number in (2, 3, 1):
        call(*command, tmp_path / "three", "--share", f"{number}/3", "--report", tmp_path / "report.json")
        assert (tmp_path / "three" / "summary.csv").exists() == (tmp_path / "report.json").exists() == (number == 1)
    assert sorted(segmented) == ["a.npy", "b.nii.gz", "c.bmp", "d.npy", "e.nii.gz"]
    assert labels_in(tmp_path / "three") == labels_in(tmp_path / "one")
    assert timeless(tmp_path / "three") == timeless(tmp_path / "one")
    assert "written by the share that ends last" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "report.json").read_text())["segmented"]) == 5


def test_a_later_run_puts_together_what_a_lost_share_has_left(folder: Path, checkpoint: Path, tmp_path: Path, segmented: list[str]) -> None:
    command = ("predict", folder, "--checkpoint", checkpoint, "--output", tmp_path / "out")
    call(*command, "--share", "1/2")
    assert not (tmp_path / "out" / "summary.csv").exists()
    done = len(segmented)
    assert call(*command, "--resume") == 1
    assert 0 < done < len(segmented) == len(NAMES)
    assert [row["name"] for row in rows_of(tmp_path / "out")] == sorted([*NAMES, "broken.nii.gz"])


def test_two_processes_of_accelerate_write_the_files_of_one(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    command = ["predict", str(folder), "--checkpoint", str(checkpoint), "--output"]
    assert call(*command, tmp_path / "one") == 1
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = f"-m accelerate.commands.launch --multi_gpu --num_processes 2 --num_machines 1 --main_process_port {port}"
    words = [sys.executable, *launch.split(), "--mixed_precision", "no", "--dynamo_backend", "no", "-m", "vqseg", *command]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ACCELERATE", "RANK", "WORLD"))}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    answer = subprocess.run(
        [*words, str(tmp_path / "two")], env=environment, capture_output=True, text=True, timeout=220, check=False, cwd=ROOT
    )
    # Also with a broken file: another status of one process would have ended the other one.
    assert answer.returncode == 0, answer.stderr[-3000:]
    assert "skipped broken.nii.gz" in answer.stderr
    assert sorted(path.name for path in (tmp_path / "two" / FOLDER).iterdir()) == ["predict-1-of-2.jsonl", "predict-2-of-2.jsonl"]
    assert labels_in(tmp_path / "two") == labels_in(tmp_path / "one")
    assert timeless(tmp_path / "two") == timeless(tmp_path / "one")


def test_every_scan_is_in_one_share_and_scans_of_one_name_are_in_the_same() -> None:
    names = [f"{number:03d}.nii.gz" for number in range(37)] + ["004.png", "004.nii.gz", "011.dcm"]
    works = named_works([ScanSource(Path("in") / name, name) for name in names])
    assert len({work.name for work in works}) == len(works)
    for count in (1, 2, 5, 50):
        parts = [works_of(works, Share(index, count)) for index in range(count)]
        assert sorted(work.name for part in parts for work in part) == sorted(work.name for work in works)
        assert sum(any(work.source.name.startswith("004.") for work in part) for part in parts) == 1
    assert max(len(works_of(works, Share(index, 5))) for index in range(5)) <= 10


def test_a_share_is_named_or_comes_from_the_launcher() -> None:
    launched = {"RANK": "1", "WORLD_SIZE": "4"}
    assert share_of_run(None, {}) == Share(0, 1)
    assert share_of_run(None, launched) == Share(1, 4)
    assert share_of_run("2/5", launched) == Share(1, 5)
    for words in ("0/5", "6/5", "2", "1/0", "-1/3", "a/b", "1/2/3"):
        with pytest.raises(ShareError, match="expected a number of all"):
            share_of_run(words, {})
    for wrong in ({"RANK": "4"}, {"RANK": "one"}, {"WORLD_SIZE": "0"}):
        with pytest.raises(ShareError, match="RANK is"):
            share_of_run(None, launched | wrong)


def test_each_process_of_a_machine_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert [device_of("cuda", {"LOCAL_RANK": str(rank)}) for rank in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]
    assert [device_of("cuda", {}), device_of("cuda:1", {"LOCAL_RANK": "0"}), device_of(None, {"LOCAL_RANK": "1"})] == [
        "cuda",
        "cuda:1",
        None,
    ]


@pytest.mark.parametrize("words", [("--cine", "--resume"), ("--pair", "--share", "1/2"), ("--share", "3/2")])
def test_what_cannot_be_shared_is_one_line(
    words: tuple[str, ...], folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("predict", folder, "--checkpoint", checkpoint, "--output", tmp_path / "out", *words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1 and not (tmp_path / "out").exists()


# Reading ahead


def test_the_next_one_is_fetched_while_the_present_one_is_worked_on() -> None:
    began = [threading.Event() for _ in range(4)]

    def fetch(number: int) -> int:
        began[number].set()
        return number * 10

    seen = []
    for number, future in fetched_ahead(range(4), fetch):
        if number < 3:
            assert began[number + 1].wait(60)
        # No more than one ahead: a third scan would be in memory.
        assert not any(event.is_set() for event in began[number + 2 :])
        seen.append(future.result())
    assert seen == [0, 10, 20, 30]


def test_a_scan_too_large_to_be_read_ahead_is_read_in_its_turn(
    folder: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("predict", folder, "--checkpoint", checkpoint, "--output")
    call(*command, tmp_path / "ahead")
    monkeypatch.setattr(scans, "_AHEAD_BYTES", 100)
    assert call(*command, tmp_path / "turn") == 1
    assert labels_in(tmp_path / "turn") == labels_in(tmp_path / "ahead") and len(labels_in(tmp_path / "turn")) == 5


def test_what_reading_ahead_stumbles_over_costs_no_other_scan(
    folder: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = source_digest

    def stumbling(source: ScanSource) -> str:
        if source.name == "b.nii.gz":
            raise MemoryError
        return real(source)

    monkeypatch.setattr("vqseg.data.sources.source_digest", stumbling)
    assert call("predict", folder, "--checkpoint", checkpoint, "--output", tmp_path / "out") == 1
    assert sorted(labels_in(tmp_path / "out")) == NAMES


# Digests and the record


def test_a_digest_is_of_all_that_a_scan_is_made_of(tmp_path: Path) -> None:
    from dicom_files import folder, pixels, stack

    image = SimpleITK.GetImageFromArray(RNG.random((3, 8, 8)).astype(np.float32))
    for name in ("one.mhd", "two.mhd"):
        SimpleITK.WriteImage(image, str(tmp_path / name))
    study = folder(tmp_path / "study", stack(pixels(3, shape=(8, 8))))
    sources = {name: ScanSource(tmp_path / name, name) for name in ("one.mhd", "study")}
    before = {name: source_digest(source) for name, source in sources.items()}
    # Neither a time nor a neighbour is a change.
    os.utime(tmp_path / "one.raw", (1, 1))
    (tmp_path / "two.raw").write_bytes(b"other")
    assert {name: source_digest(source) for name, source in sources.items()} == before
    (tmp_path / "one.raw").write_bytes((tmp_path / "one.raw").read_bytes()[:-4] + bytes(4))
    last = sorted(study.iterdir())[-1]
    last.write_bytes(last.read_bytes() + b"\0\0")
    after = {name: source_digest(source) for name, source in sources.items()}
    assert all(after[name] != before[name] for name in before)
    with pytest.raises(OSError, match="No such file"):
        source_digest(ScanSource(tmp_path / "gone.nii", "gone.nii"))


def test_the_record_takes_the_last_line_whichever_share_wrote_it(tmp_path: Path) -> None:
    first, second = (Record(tmp_path, "k", Share(index, 2)) for index in range(2))
    (tmp_path / "a.nii").write_text("labels")
    second.add(Entry(name="a", key="k", input="i", at=2.0, error="late"))
    first.add(Entry(name="a", key="k", input="i", at=1.0, error="early"))
    for record in (first, second, Record(tmp_path, "k", Share())):
        record.read()
        assert record.entries["a"].error == "late"
    assert second.done("a", "i") is None
    second.add(Entry(name="a", key="k", input="i", at=3.0, labels="a.nii", sha256="of other labels"))
    assert second.done("a", "i") is None
    second.add(Entry(name="a", key="k", input="i", at=4.0, labels="a.nii", sha256=digest_of(tmp_path / "a.nii")))
    assert second.done("a", "i") == second.entries["a"]
    assert second.done("a", "other") is None and Record(tmp_path, "k2", Share()).done("a", "i") is None
