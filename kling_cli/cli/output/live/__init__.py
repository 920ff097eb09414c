"""The live display on a terminal: progress model, renderer, display."""
