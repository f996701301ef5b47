"""Codebook: a map of the codewords, and a card with the facts about each."""
