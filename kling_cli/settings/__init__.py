"""Settings from options, environment, config file and credential store."""
