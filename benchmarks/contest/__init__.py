"""Races: our own work against its floor and its peers, in turns, so that a machine that others use is unjust to all of them alike."""
