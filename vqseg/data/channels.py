"""Scans of several channels: the colours of a picture, the volumes of one file, or one file a channel, named as nnU-Net names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from vqseg.data.formats import ending_of, without_ending
from vqseg.data.formats.dicom import is_dicom
from vqseg.data.formats.format import FIRST_BYTES
from vqseg.data.formats.members import Member, unpacked
from vqseg.data.grids import GridError, on_grid_of
from vqseg.data.limits import ScanError, foreseen, with_finite_voxels
from vqseg.data.reading import Source, cannot_read, named_files, opened_members, read_volume
from vqseg.types import Array, Scan

_MARK = re.compile(r"_(\d{4})$")


def case_and_channel(name: str) -> tuple[str, int | None]:
    """The case that a file belongs to, and the number of its channel by nnU-Net's mark: "heart_0001.nii.gz" -> ("heart", 1).

    Args:
        name: Of the file, with or without its ending. Without a mark the channel is None.
    """
    plain = without_ending(name)
    mark = _MARK.search(plain)
    return (plain[: mark.start()], int(mark.group(1))) if mark else (plain, None)


def are_channels(names: Iterable[str], count: int) -> bool:
    """Whether these are the files of one case, one for each of `count` channels, 0000 first."""
    marks = [case_and_channel(name) for name in names]
    return len({case for case, _ in marks}) == 1 and [number for _, number in marks] == list(range(count))


def read_channels(path: Source, frame: int | None, count: int, series: int | None, most_bytes: int) -> Scan:
    """A scan of several channels.

    Args:
        path: The files.
        frame: 0 or None: the volumes of a file are its channels, and no moments.
        count: How many channels it has.
        series: Number of the DICOM series, from 1; None for the one with the most images.
        most_bytes: Largest volume of a channel.

    Returns:
        The scan, voxels (X, Y, Z, count).

    Raises:
        ScanError: It cannot be read, or has other channels.
    """
    files, name = named_files(path)
    if frame:
        raise ScanError(f"{name} is read with {in_words(count)}, and has no frame {frame} besides; accepted: 0 only")

    def read(one: Source, number: int | None = None) -> Scan:
        return with_finite_voxels(read_volume(one, number, series, most_bytes, "colours"))

    try:
        with foreseen(name), opened_members(files) as members:
            if are_channels([member.name for member in members], count) and not any(map(_is_dicom, members)):
                case = case_and_channel(members[0].name)[0] + (ending_of(members[0].name) or "")
                with unpacked(members, name) as folder:
                    return stacked([read(folder / member.name) for member in members], case)
    except OSError as error:
        raise cannot_read(name, error) from error
    # With a number, as a file may say that its volumes are channels and be read with one alone.
    first = read(path, 0)
    if first.channels == 1 and first.frames == count:
        note = f"the {count} volumes of the file were read as channels"
        volumes = [first, *(read(path, number) for number in range(1, count))]
        return stacked([replace(one, frames=1, frame_seconds=None, notes=(*one.notes, note)) for one in volumes], name)
    if first.channels != count:
        raise ScanError(_unfit(first, name, count))
    return first


def _is_dicom(member: Member) -> bool:
    return is_dicom(member.start(FIRST_BYTES))


def _unfit(scan: Scan, name: str, count: int) -> str:
    found = f"{scan.frames} volumes" if scan.frames > 1 else in_words(scan.channels)
    ways = [*(["a picture in colour"] if count == 3 else []), f"a file of {count} volumes"]
    return f"{name} has {found}, and {count} are read here: expected {', '.join(ways)}, or {count} files NAME_0000, NAME_0001 and so on"


def stacked(parts: Sequence[Scan], name: str) -> Scan:
    """Scans of one channel each as one scan of them all.

    Args:
        parts: One a channel, on one grid; mirrored or exchanged axes are undone by what the headers say.
        name: Of the scan.

    Returns:
        The first with the voxels (X, Y, Z, C) of all, and the notes of all.

    Raises:
        ScanError: A part has several volumes or channels, or lies on another grid than the first.
    """
    first = parts[0]
    for part in parts:
        if part.frames * part.channels > 1:
            raise ScanError(f"{part.name} holds {part.frames * part.channels} volumes or colours, and is one of {len(parts)} channels")
    try:
        volumes = [first.voxels, *(on_grid_of(first, part).voxels for part in parts[1:])]
    except GridError as error:
        raise ScanError(f"the channels of {name} lie on different grids: {error.found}") from error
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return replace(first, voxels=np.stack(volumes, -1), name=name, notes=notes)


def repeated(volume: Array, count: int) -> Array:
    """A grey volume as one of `count` equal channels, the last axis; unchanged for one channel."""
    return volume if count == 1 else np.repeat(volume[..., None], count, -1)


def require_channels(scan: Scan, count: int) -> None:
    """Check that a scan can be read by a network.

    Args:
        scan: The scan.
        count: Channels that the network reads.

    Raises:
        ScanError: It has others; the message says what to do.
    """
    if scan.channels != count:
        raise ScanError(
            f"{scan.name} was read with {in_words(scan.channels)}, and this checkpoint reads {count}; "
            f"read it again with {in_words(count)}, or choose a checkpoint that reads {scan.channels}"
        )


def in_words(channels: int) -> str:
    """ "1 channel", "3 channels"."""
    return f"{channels} channel{'s' * (channels != 1)}"
