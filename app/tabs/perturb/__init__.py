"""Perturb: the tokens of a slice before and after, one by one."""
