"""Licences as packages state them, as SPDX's names, and which of them we take."""

from __future__ import annotations

import re
from collections.abc import Sequence

ALLOWED = frozenset(
    {
        *(
            "MIT",
            "MIT-CMU",
            "MIT-0",
            "ISC",
            "0BSD",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "BSD License",
            "Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
        ),
        *("Zlib", "OFL-1.1", "BSL-1.0", "PSF-2.0", "Python-2.0", "CC0-1.0", "Unlicense"),
        # Weak copyleft: it binds changes to the package's own files, and we change none.
        "MPL-2.0",
    }
)
"""Licences under which the app and the package may be passed on together with what they need."""

# As packages write them. "BSD License" does not say how many clauses it has, and stays as it is.
_NAMES = {
    "Apache": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD License",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Says that there is a licence, and not which.
_SAYS_NOTHING = "OSI Approved"
_LONGEST_NAME = 60


def stated(expression: str | None, field: str | None, classifiers: Sequence[str]) -> str:
    """The licence that a package states, as an SPDX expression where that is known.

    Args:
        expression: Its "License-Expression".
        field: Its "License", which may be a name or a whole text.
        classifiers: Its classifiers.

    Returns:
        The licence; empty if it states none.
    """
    if expression:
        return expression
    if field and len(field) <= _LONGEST_NAME and "\n" not in field:
        return _NAMES.get(field, field)
    names = [one.split("::")[-1].strip() for one in classifiers if one.startswith("License ::")]
    return " AND ".join(_NAMES.get(name, name) for name in names if name != _SAYS_NOTHING)


def is_allowed(licence: str) -> bool:
    """Whether all parts of an expression are allowed, of those with OR one. An empty one is not."""
    text = licence.strip()
    while inner := re.search(r"\(([^()]*)\)", text):
        # An inner expression becomes a licence that is allowed or is not.
        text = text[: inner.start()] + ("MIT" if _is_plain_allowed(inner[1]) else "none") + text[inner.end() :]
    return _is_plain_allowed(text)


def _is_plain_allowed(text: str) -> bool:
    return any(all(part.strip() in ALLOWED for part in one.split(" AND ")) for one in text.split(" OR "))
