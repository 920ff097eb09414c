"""Stored callbacks: export, replay, tail."""
