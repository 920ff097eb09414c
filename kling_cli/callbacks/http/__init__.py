"""The HTTP server of the receiver: parser, limits, connections, responses."""
