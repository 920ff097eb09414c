"""Stored callbacks: export them, replay them, follow new ones."""
