"""Settings from options, environment, config file and stored login, by precedence.

`read_settings` returns them as one frozen `Settings`.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
