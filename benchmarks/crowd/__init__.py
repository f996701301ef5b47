"""Visitors of the app for benchmarks/load.py."""
