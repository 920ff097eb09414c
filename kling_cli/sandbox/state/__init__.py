"""What one sandbox knows: account, tasks, library, traffic, time."""
