"""Perturb: the tokens of a slice before and after the perturbation, one by one."""
