"""The terminal and the standard streams.

Text for people and pipes; what a result says is in `views/`.
"""
