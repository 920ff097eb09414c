"""Output: live display, plain lines, JSON documents, tables."""
