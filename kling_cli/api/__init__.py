"""Talking with Kling: credentials, the client, and what answers mean in our terms."""
