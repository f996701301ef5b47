"""Decodes pictures of DICOM files in a process of its own: GDCM ends its process on some damaged pictures, and CharLS hardly ever ends.

Run as a file, so that it starts without the package. Reads requests from its standard input and answers on its standard output, both as
8 bytes of length and so many bytes: the name of pydicom's plug-in and a DICOM file of one picture, and an .npy or nothing.
"""

from __future__ import annotations

import io
import sys
from typing import BinaryIO


def send(stream: BinaryIO, content: bytes) -> None:
    """Write one message."""
    stream.write(len(content).to_bytes(8, "little"))
    stream.write(content)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """Read one message; None at the end of the stream."""
    length = stream.read(8)
    if len(length) < 8:
        return None
    content = stream.read(int.from_bytes(length, "little"))
    return content if len(content) == int.from_bytes(length, "little") else None


def _serve() -> None:
    import logging
    import warnings

    import numpy as np
    import pydicom
    from pydicom.pixels.decoders.base import get_decoder

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    while (plugin := receive(sys.stdin.buffer)) is not None and (request := receive(sys.stdin.buffer)) is not None:
        answer = io.BytesIO()
        try:
            data = pydicom.dcmread(io.BytesIO(request))
            decoder = get_decoder(data.file_meta.TransferSyntaxUID)
            np.save(answer, decoder.as_array(data, index=0, decoding_plugin=plugin.decode())[0], allow_pickle=False)
        except Exception:  # Whatever it was, the process that asked says that the picture is damaged.
            answer = io.BytesIO()
        send(sys.stdout.buffer, answer.getvalue())


if __name__ == "__main__":
    _serve()
