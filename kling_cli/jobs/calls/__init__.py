"""Other ways to call the API: raw, synchronous, and jobs of two calls."""
