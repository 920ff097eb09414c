"""The client of the Kling API: credentials, requests, and the meaning of responses.

`KlingClient` sends; `Task` is the one form of a task for both generations of the API.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
