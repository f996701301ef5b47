"""The log of a run, log.jsonl: one JSON object per line, mostly the means over the steps since the last such line."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from vqseg.training.group import Group
from vqseg.types import LossTerms


class Journal:
    """Adds up the terms of the steps on the device, and reads them back only when a line is due.

    seconds: that the run has taken up to its last line, earlier calls included.
    """

    def __init__(self, file: Path, group: Group, track: Callable[[Mapping[str, object]], None] | None = None) -> None:
        """Begin a log, or continue one.

        Args:
            file: log.jsonl; only rank 0 writes it.
            group: The processes of the run.
            track: Gets every line that is written, on rank 0.
        """
        self.file, self.group, self.track, self.seconds = file, group, track, 0.0
        self._sums: dict[str, Tensor] = {}
        self._counts: Counter[str] = Counter()
        self._step, self._since = 0, time.perf_counter()

    def begin(self, step: int) -> None:
        """Start the clock. step: where the run stands; after a resume the first line covers fewer steps."""
        self._step, self._since = step, time.perf_counter()

    def elapsed(self) -> float:
        """Seconds that the run has taken up to now."""
        return self.seconds + time.perf_counter() - self._since

    def add(self, loss: Tensor, terms: LossTerms, *, quantizing: bool) -> None:
        """Count one step.

        Args:
            loss: Its loss, a scalar.
            terms: What the loss was made of.
            quantizing: Whether the step read codes.
        """
        # Terms that are left out are plain zeros.
        kept = {name: value for name, value in vars(terms).items() if isinstance(value, Tensor)}
        for name, value in {"loss": loss, **kept, **terms.figures}.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach()
            self._counts[name] += _has_begun(name, terms, quantizing)

    def report(self, step: int, *, images: int, facts: Mapping[str, float]) -> dict[str, float]:
        """Write the line of the steps since the last one. Every rank must call it.

        Args:
            step: Steps done.
            images: Images per step, of all ranks.
            facts: Further values, written between the means and the speed.

        Returns:
            The means by name, over the steps that had the term and over the ranks.
        """
        now = time.perf_counter()
        steps, seconds = step - self._step, now - self._since
        self.seconds += seconds
        self._step, self._since = step, now
        stacked = self.group.mean(torch.stack([value / max(1, self._counts[name]) for name, value in self._sums.items()]))
        means = {name: round(float(value), 6) for name, value in zip(self._sums, stacked, strict=True)}
        self._sums = {}
        self._counts.clear()
        speed = {"steps_per_second": round(steps / seconds, 3), "images_per_second": round(steps * images / seconds, 3)}
        self.write({"step": step, **means, **facts, **speed})
        return means

    def write(self, line: Mapping[str, object]) -> None:
        """Append a line of plain values; does nothing on ranks other than 0."""
        if self.group.main:
            with self.file.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
            if self.track is not None:
                self.track(line)

    def shorten(self, step: int) -> None:
        """Drop the lines after a restored step: those steps are run again."""
        lines = self.file.read_text(encoding="utf-8").splitlines(keepends=True) if self.file.is_file() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        self.file.write_text("".join(kept), encoding="utf-8")


def _has_begun(name: str, terms: LossTerms, quantizing: bool) -> bool:
    """Whether a term counts: before the unlabelled branch or the codebook begins, its term is only a placeholder zero."""
    if name.startswith("unlabelled"):
        return "confident_share" in terms.figures
    return name != "quantizer" or quantizing
