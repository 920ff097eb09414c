"""Runs the benchmarks and prints figures beside baselines of the same run.

    python benchmarks/run.py            all of it, about three minutes
    python benchmarks/run.py start      only: start, status, job, memory, long

Everything happens on loopback. Ratios are medians of paired runs (A B A B …), because
machines drift; single times are medians too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from jobs import measure_jobs, measure_memory
from long_job import measure_long_job
from startup import measure_starts, measure_status

PARTS = {
    "start": measure_starts,
    "status": measure_status,
    "job": measure_jobs,
    "memory": measure_memory,
    "long": measure_long_job,
}


def main() -> int:
    """Run the selected parts; the exit code is 0 if every budget was kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("-n", "--runs", type=int, default=15, help="paired runs (15)")
    wanted = parser.parse_args()
    is_within_budget = True
    for name in wanted.parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            for figure in PARTS[name](Path(folder), wanted.runs):
                print(figure.line, flush=True)
                is_within_budget &= figure.is_within_budget
    return 0 if is_within_budget else 1


if __name__ == "__main__":
    sys.exit(main())
