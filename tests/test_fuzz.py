"""A small part of `make fuzz` with a seed that stays, and what it has found before."""

from __future__ import annotations

import random
import sys
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import fuzz
import fuzz_judge
import nibabel as nib
import numpy as np
import pytest
from every_format import FILES
from mutations import mutated

from vqseg.data import limits
from vqseg.data.scan import ScanError, read_labels, read_scan, write_labels

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fuzzer limits memory as Unix does")


def test_damaged_files_are_read_or_refused_and_nothing_else() -> None:
    said: Counter[str] = Counter()
    for one in fuzz.fuzz(seed=2026, first=0, count=400, seconds=600):
        assert isinstance(one, Counter), f"--seed {one.seed} --first {one.number} --count 1: {one.name} {one.what}"
        said += one
    assert said["read"] + said["refused"] == 400 and min(said["read"], said["refused"]) > 40


def test_a_case_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    made = [fuzz.corpus(tmp_path / name, ".np") for name in "ab"]
    assert made[0] == made[1]
    assert fuzz.case(made[0], 3, 17) == fuzz.case(made[1], 3, 17)
    assert len({str(fuzz.case(made[0], 3, number)) for number in range(0, 60, len(made[0]))}) > 10


def test_every_mutation_changes_bytes_of_one_file_alone() -> None:
    files = {"a": bytes(range(256)) * 4, "b": b"NDims = 3\nDimSize = 2 2 2\n"}
    changed = [mutated(files, random.Random(number)) for number in range(200)]
    assert all(sum(one[name] != files[name] for name in files) <= 1 for one in changed)
    assert sum(one != files for one in changed) > 180


@pytest.mark.parametrize(
    ("fault", "said"),
    [(TypeError("x"), "raises TypeError"), (MemoryError(), "raises MemoryError"), (KeyError("x"), "raises KeyError")],
)
def test_a_fault_of_a_reader_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, said: str) -> None:
    def read(*_: object, **__: object) -> None:
        with limits.foreseen("a.npy"):
            raise fault

    monkeypatch.setattr(fuzz_judge, "read_scan", read)
    assert fuzz_judge._read(tmp_path / "a.npy", tmp_path).startswith(said)


def npy(header: str, content: bytes = bytes(96), version: int = 1) -> bytes:
    text = header.encode("latin-1")
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text + content


def meta(**fields: str) -> bytes:
    values = {"ObjectType": "Image", "NDims": "3", "DimSize": "2 3 4", "ElementType": "MET_FLOAT", **fields, "ElementDataFile": "LOCAL"}
    return "".join(f"{name} = {value}\n" for name, value in values.items()).encode("latin-1") + bytes(96)


def nrrd(**fields: str) -> bytes:
    values = {"type": "float", "dimension": "3", "sizes": "2 3 4", "encoding": "raw", "endian": "little", **fields}
    return ("NRRD0004\n" + "".join(f"{name.replace('_', ' ')}: {value}\n" for name, value in values.items()) + "\n").encode(
        "latin-1"
    ) + bytes(96)


def png(*chunks: tuple[bytes, bytes], claims: int = 0) -> bytes:
    """Chunks with their checksums; the last one says that it is `claims` longer than it is."""
    made = [(len(inside) + claims * (number == len(chunks) - 1), kind, inside) for number, (kind, inside) in enumerate(chunks)]
    packed = (length.to_bytes(4, "big") + kind + inside + zlib.crc32(kind + inside).to_bytes(4, "big") for length, kind, inside in made)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


PLAIN = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }"
SIZE = (8).to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"

FOUND: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "brackets that never close": ("a.npy", lambda: npy(PLAIN.replace("(2", "(" * 5000 + "2")), "no readable .npy"),
    "brackets within brackets": ("a.npy", lambda: npy("[" * 5000 + "]" * 5000), "no readable .npy"),
    "a text that never ends": ("a.npy", lambda: npy(PLAIN.replace("'shape'", "'''shape")), "no readable .npy"),
    "a side beyond any integer": ("a.npy", lambda: npy(PLAIN.replace("(2,", f"({10**40},")), "no readable .npy"),
    "a side of terabytes": ("a.npy", lambda: npy(PLAIN.replace("(2,", f"({10**15},")), "too large"),
    "a negative side": ("a.npy", lambda: npy(PLAIN.replace("(2,", "(-2,")), "no readable .npy"),
    "a key twice": ("a.npy", lambda: npy(PLAIN.replace("}", "'shape': (1, 1)}")), "no readable .npy"),
    "a type that is none": ("a.npy", lambda: npy(PLAIN.replace("<f4", "<f3")), "no readable .npy"),
    "a header of gigabytes": ("a.npy", lambda: b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(64), "no readable .npy"),
    "an unknown version": ("a.npy", lambda: npy(PLAIN, version=1).replace(b"NUMPY\1", b"NUMPY\7"), "no readable .npy"),
    "fewer voxels than promised": ("a.npy", lambda: npy(PLAIN, bytes(95)), "ends before the voxels"),
    "records": ("a.npy", lambda: npy(PLAIN.replace("'<f4'", "[('a', '<f4')]")), "colour or record"),
    "a matrix without an inverse": ("a.mha", lambda: meta(TransformMatrix="1 0 0 0 1 0 0 1e300 1"), "has no place"),
    "no finite matrix": ("a.mha", lambda: meta(TransformMatrix="1 0 0 0 1 0 0 1e999 1"), "has no place|no readable"),
    "axes in one plane": ("a.mha", lambda: meta(TransformMatrix="1 0 0 1 0 0 0 0 1"), r"do not span a volume|no readable"),
    "dimensions without number": ("a.mha", lambda: meta(NDims="1e308"), "not as the format has it"),
    "a size that is no number": ("a.mha", lambda: meta(DimSize="2 nan 4"), "not as the format has it"),
    "voxels of nothing in MetaImage": (
        "a.mha",
        lambda: meta(ElementSpacing="1e-310 1 1"),
        r"voxels of .* mm; expected 1e-06 to|no readable|has no place",
    ),
    "voxels of nothing in NRRD": (
        "a.nrrd",
        lambda: nrrd(space="left-posterior-superior", space_directions="(1e-310,0,0) (0,1,0) (0,0,1)"),
        r"voxels of .* mm; expected 1e-06 to|no readable|has no place",
    ),
    "a long word": ("a.nrrd", lambda: nrrd(space_directions="(1,0,0) (0," + "\xff" * 5000), "not as the format has it"),
    "a field that is none": ("a.nrrd", lambda: nrrd(**{"di" + "{" * 5000: "3"}), "not as the format has it"),
    "no finite spacing": ("a.nrrd", lambda: nrrd(spacings="1e999 1 1"), "no place|no readable"),
    "a chunk of gigabytes": (
        "a.png",
        lambda: png((b"IHDR", SIZE), (b"IDAT", zlib.compress(bytes(72))[:9]), claims=2**31 - 64),
        "damaged or cut-off",
    ),
}
"""What the fuzzer, and those before it, have found: a file, and what is said of it. Each once was a crash, a hang or another error."""


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_is_refused_in_words(tmp_path: Path, name: str) -> None:
    file, make, said = FOUND[name]
    (tmp_path / file).write_bytes(make())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for read in (read_scan, read_labels):
            with pytest.raises(ScanError, match=said) as caught:
                read(tmp_path / file)
            assert not isinstance(caught.value, limits.UnforeseenError)


def test_headers_of_other_programs_are_read(tmp_path: Path) -> None:
    values = np.arange(24, dtype="<f4")
    for number, header in enumerate((
        PLAIN,
        '{"shape":(2,3,4),"fortran_order":False,"descr":"<f4"}',
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L, 4L), }                 \n",
        PLAIN.replace("(2, 3, 4)", "( 2,3 , 4, )"),
    )):  # fmt: skip
        path = tmp_path / f"{number}.npy"
        path.write_bytes(npy(header, values.tobytes(), version=1 + number % 2))
        np.testing.assert_array_equal(read_scan(path).voxels, values.reshape(2, 3, 4))
    for dtype in ("?", "|i1", "=u2", ">i4", "<f8", "<f2"):
        np.save(tmp_path / "a.npy", np.arange(24).reshape(2, 3, 4).astype(dtype))
        np.testing.assert_array_equal(read_scan(tmp_path / "a.npy").voxels, np.load(tmp_path / "a.npy").astype(np.float32))


def test_a_side_of_more_than_nifti_1_can_say_is_read_and_its_labels_written(tmp_path: Path) -> None:
    np.save(tmp_path / "long.npy", np.ones((40_000, 2, 3), np.uint8))
    scan = read_scan(tmp_path / "long.npy")
    for ending in ("nii.gz", "nrrd"):
        write_labels(np.ones(scan.shape, np.uint8), scan, tmp_path / f"labels.{ending}")
        np.testing.assert_array_equal(read_labels(tmp_path / f"labels.{ending}"), np.ones((40_000, 2, 3)))


@pytest.mark.parametrize("size", [1e-310, 1e-30, 1e300])
def test_sizes_that_no_voxel_has_count_as_unknown_in_nifti(tmp_path: Path, size: float) -> None:
    made = nib.Nifti2Image(np.ones((3, 4, 5), np.int16), None)
    made.header["pixdim"][1:4] = size
    made.to_filename(tmp_path / "a.nii")
    scan = read_scan(tmp_path / "a.nii")
    assert scan.spacing == (1, 1, 1) and not scan.spacing_known
    write_labels(np.ones(scan.shape, np.uint8), scan, tmp_path / "labels.nii")


def test_every_format_is_in_the_corpus() -> None:
    from vqseg.data.formats import FORMATS

    endings = {Path(name).suffix for name in FILES} | {".nii.gz"}
    assert not [one.name for one in FORMATS if not endings & {f".{ending.split('.')[-1]}" for ending in one.endings}]
