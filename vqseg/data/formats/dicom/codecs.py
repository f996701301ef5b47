"""Which library decodes which compression. Each was tried with damaged pictures; the one that dies of them has its own process."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, cast

import numpy as np

from vqseg.data.formats.dicom import apart
from vqseg.data.limits import ScanError
from vqseg.types import Array

NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
"""Transfer syntaxes without compression."""
_JPEG, _JPEG_LS, _JPEG_2000 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.8", "1.2.840.10008.1.2.4.9"
_PLUGINS = {
    "1.2.840.10008.1.2.5": "pydicom",
    _JPEG: "pillow",
    **dict.fromkeys((f"{_JPEG_2000}0", f"{_JPEG_2000}1"), "pylibjpeg"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.20{k}" for k in (1, 2, 3)), "pylibjpeg"),
}
APART = {
    **dict.fromkeys(("1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"), "gdcm"),
    **dict.fromkeys((f"{_JPEG_LS}0", f"{_JPEG_LS}1"), "pyjpegls"),
}
"""JPEG with 12 bits, JPEG without loss, and JPEG-LS."""
YCBCR = ("YBR_FULL", "YBR_FULL_422")
_SECONDS = 60.0
"""Time for one picture; the largest takes a few."""


class Decoder:
    """Decodes pictures; keeps the other process, once it was needed, for the next one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def decode(self, data: Any, syntax: str) -> tuple[Array, bool]:
        """One picture.

        Args:
            data: pydicom's data set with the pixels of one picture and what describes them.
            syntax: Its transfer syntax.

        Returns:
            (rows, columns) or (rows, columns, samples), as stored, and whether colour is YCbCr rather than RGB.

        Raises:
            ScanError: If nothing decodes this syntax, or the other process gives no picture.
        """
        from pydicom.pixels.decoders.base import get_decoder
        from pydicom.uid import UID

        if syntax in APART:
            return self._ask(data, APART[syntax]), False
        plugin = _PLUGINS.get(syntax)
        if plugin is None:
            # The name of an unknown number would be the header's own text.
            known = UID(syntax).name if UID(syntax).name != syntax else "unknown"
            raise ScanError(f"compressed in a way that is not read ({known})")
        stored, said = get_decoder(UID(syntax)).as_array(data, index=0, decoding_plugin=plugin, raw=True)
        return stored, str(said["photometric_interpretation"]) in YCBCR

    def close(self) -> None:
        """End the other process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, data: Any, plugin: str) -> Array:
        file = io.BytesIO()
        data.save_as(file, enforce_file_format=False)
        if self._process is None:
            command = [sys.executable, "-I", str(Path(apart.__file__))]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process = self._process
        watch = Timer(_SECONDS, process.kill)
        watch.start()
        try:
            apart.send(cast(Any, process.stdin), plugin.encode())
            apart.send(cast(Any, process.stdin), file.getvalue())
            answer = apart.receive(cast(Any, process.stdout))
        except BrokenPipeError:
            answer = None
        finally:
            watch.cancel()
        if not answer:
            raise ScanError("damaged or cut off")
        stored: Array = np.load(io.BytesIO(answer), allow_pickle=False)
        return stored


@contextmanager
def decoder() -> Iterator[Decoder]:
    """A decoder whose other process ends with the block."""
    one = Decoder()
    try:
        yield one
    finally:
        one.close()
