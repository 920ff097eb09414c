"""Settings from options, environment, config file and credential store.

`load` turns them into one frozen `Settings`.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
