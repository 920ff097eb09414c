"""`python -m kling_cli` is `kling`."""

from __future__ import annotations

import sys

from kling_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
