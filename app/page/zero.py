"""The GPU that a ZeroGPU Space lends for a moment. Anywhere else nothing of it is imported.

Only large volumes ask for it: not the first picture, nor a bundled example, nor a slice that is replayed. Without a GPU to be had they are
opened on the CPU, and the visitor reads why that takes longer.
"""

from __future__ import annotations

import os

from vqseg.inference import Opening, borrowing, open_here, open_on_gpu, seconds_on_gpu

# As the package `spaces` reads it.
_HERE = "SPACES_ZERO_GPU"
# `spaces` raises Gradio's errors, and asks the lender by httpx.
_LENDERS = ("gradio", "httpx", "spaces")
WITHOUT = (
    "No GPU could be had for this scan: none is free, or your share of today is used up. It is opened without one, which takes longer."
)


def opening() -> Opening:
    """Who opens scans. On a ZeroGPU Space to be called before anything asks torch for a GPU."""
    if os.environ.get(_HERE, "").lower() not in ("1", "t", "true"):
        return open_here
    import spaces

    return borrowing(spaces.GPU(duration=seconds_on_gpu)(open_on_gpu), _refused)


def _refused(error: Exception) -> bool:
    """Whether an error is the lender's, or of the way to it; ours are others. Tells the visitor."""
    import gradio as gr

    if type(error).__module__.split(".")[0] not in _LENDERS:
        return False
    gr.Info(WITHOUT, duration=15)
    return True
