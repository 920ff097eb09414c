"""What `kling doctor` looks at, one module a subject."""
