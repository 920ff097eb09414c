"""Parses product files into the types of the catalogue."""
