"""Agent programs: found, started under supervision, and ended even after a kill."""
