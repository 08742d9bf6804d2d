"""
Run one scenario: `python -m benchmarks.scenarios NAME [sizes]`; prints one JSON line.

Starts its own servers and warms them with a first copy, or uses those of `PB_KAFKA` and `PB_MONGO`; WORKERS sets the
number of worker processes (2).  Ends with 1 when a document was not as expected.
"""

from __future__ import annotations

import argparse
import json
import sys

from benchmarks.scenarios import growth, hot_key, rename, restart, two_workers
from benchmarks.servers import running
from syncsvc.errors import SyncError

SCENARIOS = {
    "hot-key": hot_key, "rename": rename, "restart": restart, "two-workers": two_workers, "growth": growth
}  # fmt: skip


def main() -> int:
    """Runs it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, scenario in SCENARIOS.items():
        what = (scenario.__doc__ or "").strip()
        scenario.arguments(names.add_parser(name, help=what.splitlines()[0], description=what))
    given = parser.parse_args()
    try:
        with running() as servers:
            if servers.fresh:
                growth.warm(servers)
            print(json.dumps(SCENARIOS[given.name].measure(servers, given)), flush=True)
    except SyncError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
