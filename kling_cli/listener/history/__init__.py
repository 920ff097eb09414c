"""Stored callbacks: export and replay."""
