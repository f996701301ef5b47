"""Which channel of a scan is on show. A scan of one channel has nothing to choose."""

from __future__ import annotations

from app.scan.open_scan import OpenScan
from vqseg.types import Array

RGB = "rgb"
"""All three channels of a scan as red, green and blue."""
_COLOURS = (("red", "green", "blue"), ("r", "g", "b"))


def channel_choices(scan: OpenScan | None) -> list[tuple[str, str]]:
    """(title, value) of what can be shown, the one of the opening first; empty for one channel. Values: numbers from 0, or RGB."""
    names = () if scan is None else scan.segmented.channel_names
    if len(names) < 2:
        return []
    single = [(name[:1].upper() + name[1:], str(number)) for number, name in enumerate(names)]
    together = [("As RGB", RGB)] if len(names) == len(_COLOURS[0]) else []
    coloured = tuple(name.lower() for name in names) in _COLOURS
    return together + single if coloured else single + together


def opening_channel(scan: OpenScan) -> str:
    """The channel that the page opens a scan with; "" for a scan of one."""
    return next((value for _, value in channel_choices(scan)), "")


def grey_of(scan: OpenScan, picture: Array, channel: str = "") -> Array:
    """What is shown in grey.

    Args:
        scan: The scan.
        picture: A slice or the volume, as an array of the scan has it: of several channels with these last.
        channel: The one on show; of RGB the mean of all. "" for the one that the page opens with.

    Returns:
        The picture without its channels; unchanged where the scan has one.
    """
    channel = channel or opening_channel(scan)
    if not channel:
        return picture
    grey: Array = picture.mean(-1) if channel == RGB else picture[..., int(channel)]
    return grey
