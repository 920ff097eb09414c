"""The catalogue: what Kling offers, described once as data, and pure functions over it.

Product files in `data/` are parsed by `definition/`; the other modules choose model and
route, validate and complete values, encode and decode bodies, and price a job.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
