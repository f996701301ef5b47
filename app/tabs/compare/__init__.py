"""Compare: two checkpoints on one scan, or two scans under one checkpoint, side by side."""
