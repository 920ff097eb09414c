"""The catalogue: what Kling offers, described once as data, and pure functions over it.

Product files in `data/` are parsed by `definition/`. `prepare_request` turns values
into a request: it chooses model and route, validates, encodes and prices. `decode_body`
and `validate_body` are its counterparts for raw bodies.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
