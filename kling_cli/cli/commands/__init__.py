"""The commands, one module each: options, checks and the call they lead to."""
