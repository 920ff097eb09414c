"""How what happened is shown: plain lines, a live display, one JSON document."""
