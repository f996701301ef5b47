"""Files that no person has put where they lie."""

LITTER = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx")
"""What computers leave in folders, in lower case."""
