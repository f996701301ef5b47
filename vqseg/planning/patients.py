"""Which cases belong to one patient, by a rule that is shown and can be changed. Patients never part between training and validation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vqseg.planning.layout import PlanError

FIRST_PART = r"^([^_]+)"
TO_FIRST_NUMBER = r"^(.*?\d+)"
WHOLE = r"^(.*)$"
RULES = {
    FIRST_PART: "what stands before the first underscore of a name",
    TO_FIRST_NUMBER: "a name up to the end of its first number",
    WHOLE: "the whole name: every case is a patient of its own",
}
_FEWEST = 2


def choose_rule(names: Sequence[str]) -> str:
    """The first of RULES that finds at least two patients; the last one if none does.

    Args:
        names: Of the cases.
    """
    fitting = (rule for rule in RULES if len({_found(rule, name) for name in names}) >= _FEWEST)
    return next(fitting, WHOLE)


def patients_of(names: Sequence[str], pattern: str) -> dict[str, str]:
    """The patient of every case, in a form that a case's name can begin with.

    Args:
        names: Of the cases.
        pattern: A regular expression; its first group is the patient, or all that it matches if it has none.

    Raises:
        PlanError: It is no regular expression, or does not match a name.
    """
    try:
        re.compile(pattern)
    except re.error as error:
        raise PlanError(f"--patient-pattern {pattern!r} is no regular expression: {error}") from error
    found = {name: _found(pattern, name) for name in names}
    missed = [name for name, patient in found.items() if not patient]
    if missed:
        raise PlanError(f"--patient-pattern {pattern!r} finds no patient in {len(missed)} name(s), the first is {missed[0]!r}")
    # A data set's patients end at the first underscore.
    return {name: re.sub(r"[^A-Za-z0-9.-]+", "-", patient).strip("-") or "patient" for name, patient in found.items()}


def _found(pattern: str, name: str) -> str:
    match = re.search(pattern, name)
    if match is None:
        return ""
    return (match[1] if match.re.groups else match[0]) or ""
