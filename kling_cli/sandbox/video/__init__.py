"""Real video files in pure Python: small, quick to make, of any length and shape."""
