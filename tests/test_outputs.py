"""No command replaces a file that it did not write itself, and none an input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from PIL import Image

from tests.tiny import tiny_config
from vqseg.cli.commands import main
from vqseg.config import save_config
from vqseg.files import digest_of
from vqseg.outputs import OutputError, Outputs, state_folder
from vqseg.training.start import TrainingError
from vqseg.training.trainer import Trainer

RNG = np.random.default_rng(2)


def call(*words: object) -> int:
    return main([str(word) for word in words])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def labels_in(folder: Path) -> dict[str, bytes]:
    """What `predict` has made of scans, without its summary and its record, which tell of seconds."""
    return {name: content for name, content in contents(folder).items() if name != "summary.csv" and not name.startswith(".vqseg/")}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    np.save(folder / "a.npy", RNG.random((20, 24, 3)).astype(np.float32))
    nib.save(nib.Nifti1Image(RNG.random((20, 24, 3)).astype(np.float32), np.diag([1.5, 1.5, 8, 1])), folder / "b.nii.gz")
    Image.fromarray(RNG.integers(0, 255, (20, 24), dtype=np.uint8)).save(folder / "c.png")
    return folder


def test_a_folder_predicted_into_itself_keeps_its_scans(scans: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(scans)
    for options in ((), ("--overwrite",)):
        assert call("predict", scans, "--checkpoint", checkpoint, "--output", scans, *options) == 1
        assert contents(scans) == before
        assert "is an input of this command and is never replaced" in capsys.readouterr().err


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_scan_is_known_under_another_name_too(scans: Path, checkpoint: Path, tmp_path: Path, link: Any) -> None:
    (output := tmp_path / "out").mkdir()
    link(scans / "a.npy", output / "a.npy")
    before = (scans / "a.npy").read_bytes()
    assert call("predict", scans / "a.npy", "--checkpoint", checkpoint, "--output", output, "--overwrite") == 1
    assert (scans / "a.npy").read_bytes() == (output / "a.npy").read_bytes() == before


def test_a_neighbour_an_experts_labels_and_corrected_labels_are_kept(scans: Path, checkpoint: Path, tmp_path: Path) -> None:
    Image.open(scans / "c.png").convert("RGB").save(tmp_path / "c.jpg")
    before = contents(scans)
    assert call("predict", tmp_path / "c.jpg", "--checkpoint", checkpoint, "--output", scans) == 1
    assert contents(scans) == before
    output = tmp_path / "labels"
    predict = ("predict", scans, "--checkpoint", checkpoint, "--output", output)
    assert call(*predict) == 0
    first = labels_in(output)
    # Its own files of an earlier run.
    assert call(*predict) == 0 and labels_in(output) == first
    np.save(output / "a.npy", np.zeros((20, 24, 3), np.uint8))
    corrected = labels_in(output)
    assert corrected["a.npy"] != first["a.npy"]
    assert call(*predict) == 1 and labels_in(output) == corrected
    assert call(*predict, "--overwrite") == 0 and labels_in(output) == first


def test_phantoms_do_not_take_a_data_sets_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "splits.json").write_text('{"train": ["mine"]}')
    assert call("phantom", "--output", tmp_path, "--patients", 1) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["splits.json"] and "splits.json was not written" in capsys.readouterr().err
    for _ in range(2):
        assert call("phantom", "--output", tmp_path / "new", "--patients", 1) == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("codebook.npz", ("codebook",)),
        ("report.html", ("codebook",)),
        ("familiarity.npz", ("familiarity", "--data", "nowhere")),
        ("val.json", ("evaluate", "--data", "nowhere")),
        ("domains.md", ("table", "domains")),
        ("sensitivity.json", ("table", "sensitivity")),
        ("ef.png", ("table", "ef", "--data", "nowhere")),
        ("methods.md", ("table", "methods")),
    ],
)
def test_results_of_fixed_names_replace_no_strangers_and_say_so_before_the_work(
    name: str, words: tuple[str, ...], checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("{}")
    output = tmp_path / name if words[0] == "evaluate" else tmp_path
    config = tmp_path / "tiny.yaml"
    save_config(tiny_config(tmp_path, tmp_path / "run"), config)
    own = ("--config", config) if name == "methods.md" else ("--checkpoint", checkpoint)
    assert call(*words, *own, "--output", output) == 2
    assert f"{name} was not written by this command" in capsys.readouterr().err
    assert (tmp_path / name).read_text() == "{}"


def test_a_run_takes_no_folder_that_holds_something_else(phantoms: Path, tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "mine.txt").write_text("kept")
    (tmp_path / "log.jsonl").write_text("mine")
    with pytest.raises(TrainingError, match=r"holds log\.jsonl, which no run has written"):
        Trainer(tiny_config(phantoms, tmp_path, steps=1)).run()
    assert (tmp_path / "log.jsonl").read_text() == "mine" and (tmp_path / "snapshots" / "mine.txt").exists()


def test_a_hand_written_configuration_is_not_rewritten_nor_what_lies_beside_it(phantoms: Path, tmp_path: Path) -> None:
    save_config(tiny_config(phantoms, tmp_path, steps=1), tmp_path / "config.yaml")
    mine = "# my experiment\n" + (tmp_path / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(mine)
    (tmp_path / "log.jsonl").write_text("mine")
    assert call("train", "--config", tmp_path / "config.yaml") == 1
    assert (tmp_path / "config.yaml").read_text() == mine and (tmp_path / "log.jsonl").read_text() == "mine"


def test_a_report_takes_no_place_of_labels_or_of_voxels(
    scans: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, predict = tmp_path / "out", ("predict", scans / "a.npy", "--checkpoint", checkpoint, "--output")
    assert call(*predict, output, "--report", output / "a.npy") == 1
    assert json.loads((output / "a.npy").read_text())["skipped"]["a.npy"].startswith("another input was already written to a.npy")
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(RNG.random((3, 24, 20)).astype(np.float32)), str(tmp_path / "v.mhd"))
    before = contents(tmp_path)
    words = ("predict", tmp_path / "v.mhd", "--checkpoint", checkpoint, "--output", tmp_path / "new", "--overwrite")
    assert call(*words, "--report", tmp_path / "v.raw") == 2
    assert contents(tmp_path) == before and "is an input of this command" in capsys.readouterr().err


def test_linked_folders_are_inputs_too(scans: Path, checkpoint: Path, tmp_path: Path) -> None:
    (real := tmp_path / "real").mkdir()
    np.save(real / "linked.npy", RNG.random((20, 24, 3)))
    shutil.copy(real / "linked.npy", scans / "linked.npy")
    (scans / "deeper").symlink_to(real)
    before = contents(real)
    assert call("predict", scans, "--checkpoint", checkpoint, "--output", real, "--overwrite") == 1
    assert contents(real)["linked.npy"] == before["linked.npy"]


@pytest.mark.parametrize("words", [("evaluate", "--split", "train", "--checkpoint"), ("check",)])
def test_a_report_on_a_data_set_replaces_nothing_of_it(phantoms: Path, checkpoint: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    data = shutil.copytree(phantoms, tmp_path / "data")
    before = contents(data)
    target = data / "labelsTr" / "phantom001_frame01.nii.gz"
    own = (*words, checkpoint, "--data", data) if words[0] == "evaluate" else (*words, data)
    for output in (target, data / "splits.json"):
        assert call(*own, "--output", output, "--overwrite") == 2
    assert contents(data) == before


def test_archives_of_others_are_told_from_ours(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for spoil in (lambda path: np.savez(path, notes=np.array("mine")), lambda path: path.write_bytes(b"PK\x03\x04" + bytes(90))):
        spoil(tmp_path / "codebook.npz")
        assert call("codebook", "--checkpoint", checkpoint, "--output", tmp_path) == 2
        assert "codebook.npz was not written by this command" in capsys.readouterr().err


# The means


def test_of_two_writers_the_second_is_refused(tmp_path: Path) -> None:
    first, second = Outputs(tmp_path, "test"), Outputs(tmp_path, "test")
    path = tmp_path / "a.txt"
    first.claim(path)
    second.claim(path)

    def write(outputs: Outputs, text: str) -> None:
        with outputs.writing(path, claimed=True) as part:
            part.write_text(text)

    write(first, "first")
    with pytest.raises(OutputError):
        write(second, "second")
    assert contents(tmp_path) == {"a.txt": b"first"}


def test_what_a_killed_process_was_writing_is_swept(tmp_path: Path) -> None:
    words = (
        "import os, sys; from pathlib import Path; from vqseg.outputs import Outputs\n"
        "folder = Path(sys.argv[1])\n"
        "with Outputs(folder, 'test').writing(folder / 'a.txt') as part:\n"
        "    part.write_text('half'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", words, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    Outputs(tmp_path, "test").write_text(tmp_path / "b.txt", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


def test_two_writers_of_the_same_bytes_are_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    writers = [Outputs(tmp_path, "test") for _ in range(2)]
    for outputs in writers:
        outputs.claim(path)

    def written_meanwhile(_: str) -> None:
        with writers[0].writing(path, claimed=True) as part:
            part.write_text("same")

    with writers[1].writing(path, claimed=True, before=written_meanwhile) as part:
        part.write_text("same")
    assert contents(tmp_path) == {"a.txt": b"same"}


def test_what_another_machine_has_left_is_swept_after_a_day(tmp_path: Path) -> None:
    for name, age in ((".vqseg-0123abcd-77-old", 2), (".vqseg-0123abcd-78-new", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half.txt").write_text("half")
        os.utime(tmp_path / name, (time.time() - age * 86400,) * 2)
    (tmp_path / ".vqseg").mkdir()
    Outputs(tmp_path, "test").sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".vqseg", ".vqseg-0123abcd-78-new"]


def test_a_file_that_another_machine_wrote_is_known_when_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("theirs")
    outputs = Outputs(tmp_path, "test")
    with pytest.raises(OutputError) as refused:
        outputs.check(tmp_path / "a.txt")
    assert str(tmp_path) in str(refused.value) and str(tmp_path) not in refused.value.plain and "a.txt" in refused.value.plain
    outputs.know(tmp_path / "a.txt", digest_of(tmp_path / "a.txt"))
    outputs.write_text(tmp_path / "a.txt", "ours")
    assert contents(tmp_path) == {"a.txt": b"ours"}


def test_a_name_that_becomes_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="has more than 255 bytes"):
        Outputs(tmp_path, "test").claim(tmp_path / ("x" * 250 + ".nii.gz"))


def test_a_file_appears_whole_or_not_at_all_and_leaves_nothing(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path, "test")

    def half() -> None:
        with outputs.writing(tmp_path / "a.txt") as part:
            part.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match=r"another input was already written to a\.txt"):
        outputs.write_text(tmp_path / "a.txt", "again")
    Outputs(tmp_path, "test").write_text(tmp_path / "deep" / "a.txt", "whole")
    assert contents(tmp_path) == {"deep/a.txt": b"whole"}


def test_files_are_known_by_command_name_and_content(tmp_path: Path) -> None:
    Outputs(tmp_path, "one").write_text(tmp_path / "a.txt", "1")
    Outputs(tmp_path, "one").write_text(tmp_path / "a.txt", "2")
    with pytest.raises(OutputError, match=r"was not written by this command; .* --overwrite"):
        Outputs(tmp_path, "two").write_text(tmp_path / "a.txt", "3")
    (tmp_path / "a.txt").write_text("by hand")
    with pytest.raises(OutputError, match="was changed since this command wrote it"):
        Outputs(tmp_path, "one").write_text(tmp_path / "a.txt", "3")
    with pytest.raises(OutputError, match="is a folder"):
        Outputs(tmp_path.parent, "one", overwrite=True).check(tmp_path)
    moved = shutil.move(tmp_path / "a.txt", tmp_path / "b.txt")
    with pytest.raises(OutputError):
        Outputs(tmp_path, "one").check(Path(moved))


def test_claims_are_all_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("mine")
    outputs = Outputs(tmp_path, "test")
    with pytest.raises(OutputError):
        outputs.claim(tmp_path / "a.txt", tmp_path / "b.txt")
    outputs.claim(tmp_path / "a.txt")
    with pytest.raises(OutputError, match="already written"):
        outputs.claim(tmp_path / "c.txt", tmp_path / "c.txt")


def test_no_ledger_names_a_scan_and_a_damaged_one_costs_nothing(tmp_path: Path) -> None:
    Outputs(tmp_path, "test").write_text(tmp_path / "Surname_Name.txt", "1")
    ledgers = [path for path in (state_folder() / "written").iterdir() if "Surname" in path.read_text()]
    assert ledgers == []
    for ledger in (state_folder() / "written").iterdir():
        ledger.write_text(ledger.read_text() + '{"command": "te\n[]\n')
    Outputs(tmp_path, "test").write_text(tmp_path / "Surname_Name.txt", "2")


def test_without_a_home_to_write_in_the_results_are_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    Outputs(tmp_path / "out", "test").write_text(tmp_path / "out" / "a.txt", "1")
    with pytest.raises(OutputError, match="--overwrite"):
        Outputs(tmp_path / "out", "test").check(tmp_path / "out" / "a.txt")


# Nothing is left out in silence


def test_predict_says_in_json_too_what_became_of_every_file(
    scans: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "broken.nii.gz").write_bytes(b"no scan")
    np.save(scans / "cine.npy", RNG.random((20, 24, 3, 12)).astype(np.float32))
    pages = [Image.fromarray(RNG.integers(0, 255, (20, 24), dtype=np.uint8)) for _ in range(2)]
    pages[0].save(scans / "STACK.TIF", save_all=True, append_images=pages[1:])
    (scans / "deeper").mkdir()
    np.save(scans / "deeper" / "d.npy", RNG.random((5, 5)))
    (scans / "gone.nii").symlink_to(tmp_path / "nowhere")
    (scans / "Thumbs.db").write_bytes(b"")
    report = tmp_path / "report.json"
    assert call("predict", scans, "--checkpoint", checkpoint, "--output", tmp_path / "out", "--report", report) == 1
    told = json.loads(report.read_text())
    assert told["segmented"] == {
        "a.npy": "a.npy",
        "b.nii.gz": "b.nii.gz",
        "c.png": "c.png",
        "cine.npy": "cine.npy",
        "STACK.TIF": "STACK.nii.gz",
    }
    assert set(told["skipped"]) == {"broken.nii.gz"} and set(told["left_out"]) == {"deeper", "gone.nii"}
    assert told["notes"] == {"cine.npy": ["frame 1 of 12 was segmented; --cine segments all of them"]}
    assert nib.load(tmp_path / "out" / "STACK.nii.gz").shape == (20, 24, 2)
    said = capsys.readouterr()
    assert "5 of 6 scans segmented" in said.out and "2 left out" in said.out
    assert all(
        line in said.err for line in ("skipped broken.nii.gz: ", "left out deeper: ", "left out gone.nii: ", "cine.npy: frame 1 of 12")
    )


def test_one_scan_that_breaks_the_network_costs_no_other(
    scans: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vqseg.cli.known import KnownScans

    segment = KnownScans.segment

    def breaking(self: KnownScans, scan: Any) -> Any:
        if scan.name == "b.nii.gz":
            raise MemoryError
        return segment(self, scan)

    monkeypatch.setattr(KnownScans, "segment", breaking)
    assert call("predict", scans, "--checkpoint", checkpoint, "--output", tmp_path / "out") == 1
    assert sorted(labels_in(tmp_path / "out")) == ["a.npy", "c.png"]
