"""What is written down: jobs, callbacks and forwards, in one SQLite file.

`Journal` is the repository, `JobRecord` and `StoredCallback` are its records.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
