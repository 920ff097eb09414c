"""The output of the standing listener: text, JSON, status line, keys."""
