"""Forwarding callbacks to an app: targets, headers, signatures, deliveries."""
