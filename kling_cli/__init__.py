"""`kling`: the command-line client for the Kling AI video and image API."""

__version__ = "0.1.0"
