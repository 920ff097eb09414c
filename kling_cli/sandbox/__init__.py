"""The simulator of the Kling API; it speaks HTTP only."""
