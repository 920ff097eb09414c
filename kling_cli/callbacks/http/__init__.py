"""The HTTP server of the callback receiver: parser, limits, connections, responses."""
