"""What is written down: jobs, callbacks and deliveries, in one SQLite file."""
