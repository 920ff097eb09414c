"""A job's life: journal, life cycle, when to ask next, the run."""
