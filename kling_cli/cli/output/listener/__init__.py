"""Output of `kling listen`: text, JSON lines, status line, keys."""
