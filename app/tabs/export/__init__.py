"""Export: what is on the screen as files and as lines that reproduce it."""
