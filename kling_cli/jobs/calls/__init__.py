"""Calls other than one create call: raw, synchronous, session steps, two-step jobs."""
