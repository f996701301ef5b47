"""`python -m app.lesson --output handout.html`: writes the lesson's handout without the app."""

from __future__ import annotations

import sys

from app.tabs.learn.command import main

if __name__ == "__main__":
    sys.exit(main())
