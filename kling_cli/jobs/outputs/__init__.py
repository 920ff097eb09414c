"""Saving the outputs of tasks: destinations, file names, downloads, partial files."""
