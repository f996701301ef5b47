"""Codebook: the codewords as a map, and what is known of each."""
