"""One module a tab: each builds its components and returns what the wiring in app/build.py needs."""
