"""The door to the street: capability URLs, signatures, the receiver and its server."""
