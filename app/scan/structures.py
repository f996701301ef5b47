"""What structures are called in full, by the name of their class. A class that is not here stands as it is."""

from __future__ import annotations

FULL_NAMES = {
    "RV": "right ventricle",
    "LV": "left ventricle",
    "MYO": "myocardium",
    "RA": "right atrium",
    "LA": "left atrium",
    "NODULE": "lung nodule",
}


def labelled(name: str) -> str:
    """A class in a list of structures: its full name with its own one behind it, or its own one alone.

    Args:
        name: Of the class.

    Returns:
        For example "Right ventricle (RV)".
    """
    full = FULL_NAMES.get(name.upper())
    return f"{full.capitalize()} ({name})" if full else name
