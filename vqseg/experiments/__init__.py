"""Comparisons in one frame: methods as changes to one configuration, and the tables made of their runs."""
