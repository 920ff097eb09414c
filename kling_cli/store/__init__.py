"""The store of jobs, callbacks and forwards: one SQLite file, shared by processes.

`Journal` is the repository; `JobRecord`, `StoredCallback` and `StoredForward` are its
records. `recent.py` reads it for shell completion.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
