"""Known vulnerabilities of what is installed here: python tools/audit.py

Asks pip-audit. Exit status 1 if it knows of any; 0 if it knows of none, and also, with a line that says so, if its index cannot be
reached from here; 2 if pip-audit does not work.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

_COMMAND = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner", "off", "--format", "json"]
_LONGEST = 600
# How pip-audit and what it is made of call it when nobody answers.
_UNREACHABLE = ("connection", "resolve", "timed out", "timeout", "unreachable", "proxy", "ssl", "network", "503", "502")


def main(command: Sequence[str] = _COMMAND) -> int:
    """Ask, and say what was found. Returns the exit status."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return _not_reached(f"it has not answered within {_LONGEST} s")
    try:
        told: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (answer.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if any(sign in answer.stderr.lower() for sign in _UNREACHABLE):
            return _not_reached(last)
        print(f"pip-audit does not work: {last}", file=sys.stderr)
        return 2
    return _judged(told)


def _judged(told: Sequence[dict[str, Any]]) -> int:
    found = [(one["name"], one["version"], flaw) for one in told for flaw in one.get("vulns", ())]
    for name, version, flaw in found:
        mended = ", ".join(flaw.get("fix_versions") or []) or "no version yet"
        print(f"{name} {version}: {flaw['id']}, mended in {mended}", file=sys.stderr)
    skipped = [one["name"] for one in told if "skip_reason" in one]
    if found:
        return 1
    # An index that has packages, but no advisories, answers so for each of them.
    if len(skipped) == len(told):
        return _not_reached("it knows none of the packages")
    unknown = f"; it does not know {', '.join(skipped)}" if skipped else ""
    print(f"{len(told) - len(skipped)} packages without known vulnerabilities{unknown}")
    return 0


def _not_reached(why: str) -> int:
    print(f"NOTHING WAS AUDITED: the index of vulnerabilities cannot be reached from here ({why})", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
