"""ssh as a tunnel provider: servers of one's own and public services."""
