"""What the Label tab asks of a fine-tuning: to begin, how far it is and what it has brought, to end."""

from __future__ import annotations

from app.scan.corrections import Corrections
from app.scan.frame_request import whole_number
from app.scan.open_scan import OpenScan
from app.scan.render import packed
from app.visit.answering import Answer, Request
from app.visit.fine_tunings import OFF, STEPS, FineTunings, Tuned
from app.visit.listening import fine_tunes


class TuningAnswers:
    """The tab's questions about the fine-tuning of the server."""

    def __init__(self, tunings: FineTunings) -> None:
        self._tunings = tunings

    def fine_tune(self, scan: OpenScan, request: Request) -> Answer:
        """Begin a fine-tuning.

        Args:
            scan: The scan on show.
            request: "slices": as `Corrections.checked` reads them. "steps": one of STEPS. "index": as for `tuning`.

        Returns:
            As `tuning`.
        """
        corrections = Corrections.checked(request.get("slices"), scan)
        self._tunings.begin(scan, request.get("token"), corrections, request.get("steps"))
        return self.tuning(scan, request)

    def tuning(self, scan: OpenScan, request: Request) -> Answer:
        """How far the fine-tuning of this scan is.

        Args:
            scan: The scan on show.
            request: "index" of the acquired slice on show.

        Returns:
            "off": why this server does not fine-tune, None if it does. "choices": numbers of steps. "stage": None if there was no
            fine-tuning, else that of `Tuned`. Then also "step" and "of"; "message"; "before" and "after", Dice of every structure over the
            corrected slices; when it is done "labels", packed, what the trained network makes of the slice, "checkpoint", its name, and
            "former", that of the checkpoint it started from.
        """
        index = whole_number("slice index", request.get("index"), scan.segmented.slice_count - 1)
        tuned = self._tunings.of(scan, request.get("token"))
        answer: Answer = {"off": None if fine_tunes() else OFF, "choices": list(STEPS), "stage": tuned and tuned.stage}
        return answer if tuned is None else {**answer, **_told(scan, tuned, index)}

    def cancel_tuning(self, scan: OpenScan, request: Request) -> Answer:
        """End the fine-tuning of this scan.

        Args:
            scan: The scan on show.
            request: As for `tuning`.

        Returns:
            As `tuning`.
        """
        tuned = self._tunings.of(scan, request.get("token"))
        if tuned is not None:
            self._tunings.cancel(tuned)
        return self.tuning(scan, request)


def _told(scan: OpenScan, tuned: Tuned, index: int) -> Answer:
    view = scan.views[scan.plane]
    return {
        "step": tuned.work.step,
        "of": tuned.work.steps,
        "message": tuned.message,
        "before": tuned.before,
        "after": tuned.after,
        "labels": None if tuned.labels is None else packed(view.cut(tuned.labels, index)),
        "checkpoint": tuned.served and tuned.served.name,
        "former": tuned.work.scan.model.name,
    }
