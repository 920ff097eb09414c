"""Callbacks of our own making, for `kling trigger`."""
