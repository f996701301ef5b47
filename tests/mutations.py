"""Damages files in the ways that files are damaged, and in those that an attacker would choose. The same seed gives the same bytes.

A case is a set of files that belong together, by name. One of them is changed: bytes, numbers in a header, lengths, or the inside of what
is compressed, which is packed again, so that damage reaches the readers behind a checksum.
"""

from __future__ import annotations

import gzip
import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

Files = dict[str, bytes]

_HEADER = 700
"""Bytes at the start, in which most of a format's own fields lie."""
_NUMBERS = [0, 1, 2, 7, 127, 128, 255, 256, 32767, 32768, 40000, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]
_TEXTS = ["0", "-1", "1e-310", "1e308", "nan", "inf", "-0", "99999999999999999999", "40000", "1.0000153", "((((", "", "0x10", "True"]
_REALS = [0.0, -0.0, 1e-310, 1e-40, 1e30, 1e308, float("nan"), float("inf"), -1.0, 5e-324, 0.1]


def mutated(files: Files, chance: random.Random) -> Files:
    """The files with one of them damaged once or a few times."""
    name = chance.choice(sorted(files))
    content = files[name]
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        content = chance.choice(_INSIDE)(content, chance) if chance.random() < 0.4 else _plain(content, chance)
    return {**files, name: content}


def _plain(content: bytes, chance: random.Random) -> bytes:
    return chance.choice(_PLAIN)(content, chance)


def _place(content: bytes, chance: random.Random) -> int:
    most = len(content) if chance.random() < 0.3 else min(len(content), _HEADER)
    return chance.randrange(max(1, most))


def _bit(content: bytes, chance: random.Random) -> bytes:
    place = _place(content, chance)
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :] if content else content


def _bytes(content: bytes, chance: random.Random) -> bytes:
    place, count = _place(content, chance), chance.choice((1, 2, 4, 8))
    return content[:place] + chance.randbytes(count) + content[place + count :]


def _number(content: bytes, chance: random.Random) -> bytes:
    place, size = _place(content, chance), chance.choice((1, 2, 4, 8))
    number = chance.choice(_NUMBERS) % 256**size
    return content[:place] + number.to_bytes(size, chance.choice(("little", "big"))) + content[place + size :]


def _real(content: bytes, chance: random.Random) -> bytes:
    place, kind = _place(content, chance), chance.choice(("<f", ">f", "<d", ">d"))
    value = chance.choice(_REALS)
    packed = struct.pack(kind, value if "d" in kind or not 3e38 < abs(value) < float("inf") else 3e38)
    return content[:place] + packed + content[place + len(packed) :]


def _text(content: bytes, chance: random.Random) -> bytes:
    """Another number where the header has one in letters."""
    found = list(re.finditer(rb"[-+]?\d+(\.\d+)?", content[: 4 * _HEADER]))
    if not found:
        return content
    match = chance.choice(found)
    return content[: match.start()] + chance.choice(_TEXTS).encode() + content[match.end() :]


def _word(content: bytes, chance: random.Random) -> bytes:
    """A word of the header twice, gone, or in the place of another."""
    found = list(re.finditer(rb"[A-Za-z_]{3,}", content[: 4 * _HEADER]))
    if not found:
        return content
    match, other = chance.choice(found), chance.choice(found)
    return content[: match.start()] + chance.choice((b"", other[0], match[0] * 2)) + content[match.end() :]


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)]


def _without(content: bytes, chance: random.Random) -> bytes:
    place = _place(content, chance)
    return content[:place] + content[place + chance.choice((1, 2, 4, 16, 100)) :]


def _again(content: bytes, chance: random.Random) -> bytes:
    place, count = _place(content, chance), chance.choice((1, 4, 16, 128, 512))
    return content[:place] + content[place : place + count] * chance.choice((2, 3, 50)) + content[place:]


def _nested(content: bytes, chance: random.Random) -> bytes:
    place = _place(content, chance)
    return (
        content[:place]
        + chance.choice((b"(", b"[", b"{", b"'", b"\0", b"\xff", b"-", b"\n")) * chance.choice((1, 200, 5000))
        + content[place:]
    )


def _in_gzip(content: bytes, chance: random.Random) -> bytes:
    try:
        inside = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return _plain(content, chance)
    return gzip.compress(_plain(inside, chance), 1)


def _in_zip(content: bytes, chance: random.Random) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError, ValueError, OSError):
        return _plain(content, chance)
    if not members:
        return _plain(content, chance)
    name = chance.choice(sorted(members))
    members[name] = _plain(members[name], chance)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, inside in members.items():
            archive.writestr(each, inside)
    return packed.getvalue()


def _in_png(content: bytes, chance: random.Random) -> bytes:
    """A damaged chunk with the checksum of its damage."""
    if content[:4] != b"\x89PNG":
        return _plain(content, chance)
    place, chunks = 8, []
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        chunks.append(content[place + 4 : place + 8 + length])
        place += 12 + length
    if not chunks:
        return _plain(content, chance)
    number = chance.randrange(len(chunks))
    chunk = chunks[number]
    if chunk[:4] == b"IDAT" and chance.random() < 0.5:
        try:
            chunk = b"IDAT" + zlib.compress(_plain(zlib.decompress(chunk[4:]), chance))
        except zlib.error:
            chunk = _plain(chunk, chance)
    else:
        chunk = chunk[:4] + _plain(chunk[4:], chance)
    chunks[number] = chunk
    packed = (len(one[4:]).to_bytes(4, "big") + one + zlib.crc32(one).to_bytes(4, "big") for one in chunks)
    return content[:8] + b"".join(packed)


Mutation = Callable[[bytes, random.Random], bytes]
_PLAIN: tuple[Mutation, ...] = (_bit, _bit, _bytes, _number, _number, _number, _real, _text, _text, _word, _cut, _without, _again, _nested)
_INSIDE: tuple[Mutation, ...] = (_in_gzip, _in_zip, _in_png)
