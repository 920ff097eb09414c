"""What Kling offers, described once: data and pure functions."""
