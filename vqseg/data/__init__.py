"""Scans, data set folders, splits by patient, views of slices, and procedural phantoms."""
