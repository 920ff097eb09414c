"""Saving what a task made: names, downloads, partial files."""
