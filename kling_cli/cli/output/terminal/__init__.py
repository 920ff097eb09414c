"""The terminal and the standard streams: capabilities, safe text, pager, signals.

Text for people and pipes; what a result says is in `views/`.
"""
