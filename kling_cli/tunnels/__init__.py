"""Tunnels: how callbacks from the internet reach a listener on this machine.

A provider opens a tunnel to a local port (`provider.py`), one module a provider; a
supervisor keeps it open, and a lock lets the processes of one user share it.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
