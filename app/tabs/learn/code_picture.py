"""A link as a QR code, which a class photographs from the projector. It is drawn here: no other server sees the link."""

from __future__ import annotations

import segno

# Of the code's own signs a seventh may be hidden, as by a reflection.
_CORRECTION = "m"


def qr_rows(text: str) -> list[str]:
    """The squares of a QR code.

    Args:
        text: At most 2000 characters.

    Returns:
        Its rows from the top, "1" for a dark square, without the light margin of four squares that readers want.
    """
    code = segno.make_qr(text, error=_CORRECTION, boost_error=False)
    return ["".join("1" if dark else "0" for dark in row) for row in code.matrix]
