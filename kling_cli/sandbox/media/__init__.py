"""The files that tasks result in, made in pure Python: small, quick, and valid."""
