"""Losses; objective.py alone knows their weights."""
