"""Export: what is on show, as files and as lines of Python that reproduce it."""
