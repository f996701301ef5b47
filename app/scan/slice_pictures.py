"""The slice on show as a picture of its own size: its labels in their colours, alone or over the input. For who came with a picture."""

from __future__ import annotations

import io

import numpy as np

from app.scan.figures import Drawing
from app.scan.frame_request import FrameRequest
from app.scan.frames import make_frame
from app.scan.open_scan import OpenScan
from app.scan.render import greyscale, label_colours, overlay

SLICE_PICTURES = ("map-png", "overlay-png")
"""Kinds of them, as the browser requests them."""


def slice_picture(scan: OpenScan, request: FrameRequest, drawing: Drawing, kind: str) -> bytes:
    """One of SLICE_PICTURES, a pixel a pixel of the slice, in the radiological convention.

    Args:
        scan: The scan.
        request: The slice and its settings.
        drawing: How the labels are drawn over the input. The label map always has all of them.
        kind: "map-png" for an indexed picture, whose values are the labels and whose palette has their colours; "overlay-png" for the
            colours over the input, as See draws them with the network's window.

    Returns:
        The content of a PNG file.
    """
    # Only who saves a picture needs Pillow.
    from PIL import Image

    frame, classes = make_frame(scan, request), scan.segmented.classes
    image = frame.image if frame.colours is None else frame.colours[0]
    colours = label_colours(len(classes))
    if kind == "map-png":
        picture = Image.fromarray(np.ascontiguousarray(frame.labels))
        picture.putpalette(colours.tobytes())
    else:
        visible = np.array([name in drawing.visible for name in classes])
        drawn = overlay(greyscale(image), frame.labels, colours, opacity=drawing.opacity, outline_only=drawing.outline, visible=visible)
        picture = Image.fromarray(drawn)
    content = io.BytesIO()
    picture.save(content, format="PNG")
    return content.getvalue()
