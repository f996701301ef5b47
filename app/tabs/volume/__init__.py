"""Volume: a scan and its labels, in three planes and in 3D."""
