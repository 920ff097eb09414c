"""The command line: one module a command, the shared options, the reporters."""
