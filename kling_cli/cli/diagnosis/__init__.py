"""The checks of `kling doctor`, one module a subject."""
