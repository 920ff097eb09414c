"""Waiting for tasks: when to query, what an answer means, what callbacks announce."""
