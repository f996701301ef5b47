"""Files that nobody knows are read in a process of their own, with a memory and a time limit: whatever a decoder does, the server lives.

asking.py is the caller's end, processes.py starts and ends processes, template.py and child.py run in them, wire.py is what they say.
"""

from vqseg.data.apart.asking import Bounds, prepare, read_apart, series_apart

__all__ = ["Bounds", "prepare", "read_apart", "series_apart"]
