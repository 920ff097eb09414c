"""How callbacks reach the standing listener: URLs, ingress, health check."""
