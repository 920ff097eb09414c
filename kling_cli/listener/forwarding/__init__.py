"""Forwarding callbacks to the user's app: targets, headers, deliveries, retries."""
