"""Receiving callbacks: URLs that carry their own proof, signatures, payloads, receiver.

`Receiver` accepts or refuses a request; `http/` is the HTTP server beneath it.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
