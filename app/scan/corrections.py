"""Slices whose labels a person has corrected, as a request brings them, and the volume that they are part of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.scan.frame_request import RequestError, whole_number
from app.scan.open_scan import OpenScan
from app.scan.render import unpacked
from vqseg.types import Array


@dataclass(frozen=True)
class Corrections:
    """The corrected slices of one scan.

    Attributes:
        slices: Labels (A, B) uint8 in the order of the array, by number of the acquired slice.
    """

    slices: dict[int, Array]

    @classmethod
    def checked(cls, values: object, scan: OpenScan) -> Corrections:
        """Check the corrected slices of a request.

        Args:
            values: A list of records with "index" and "labels": number of an acquired slice, and its labels (rows, columns) uint8 as
                displayed, packed.
            scan: The scan.

        Returns:
            The slices. Of two with one number the last counts.

        Raises:
            RequestError: If a record is wrong, or has a label that is no class of the checkpoint.
        """
        view, classes = scan.views[scan.plane], len(scan.model.classes)
        if not isinstance(values, list) or len(values) > view.count or not all(isinstance(one, dict) for one in values):
            raise RequestError(f"corrected slices must be a list of at most {view.count} records")
        slices = {}
        for one in values:
            index = whole_number("slice index", one.get("index"), view.count - 1)
            try:
                labels = unpacked(one.get("labels"), view.shape)
            except ValueError as error:
                raise RequestError(f"slice {index}: {error.args[0]}") from error
            if labels.max() >= classes:
                raise RequestError(f"slice {index} has label {labels.max()}; this checkpoint has the labels 0 to {classes - 1}")
            slices[index] = np.ascontiguousarray(view.restore(labels))
        return cls(slices)

    def merged(self, scan: OpenScan) -> Array:
        """(X, Y, Z) uint8: the network's labels of the scan, with the corrected slices in their places."""
        merged: Array = scan.segmented.labels.copy()
        slices = np.moveaxis(merged, scan.segmented.axis, 0)
        for index, labels in self.slices.items():
            slices[index] = labels
        return merged
