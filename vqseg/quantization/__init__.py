"""Codebook and its perturbation: features -> indices -> perturbed indices -> codewords."""
