"""Many histories: `python -m tests.simulation.soak 20000 [first seed]`; ends at the first that goes wrong."""

from __future__ import annotations

import sys
import time

from tests.simulation.schedule import run


def main(histories: int, first: int) -> int:
    """Exit code 1 and the seed when a run does not converge."""
    began = time.monotonic()
    for number, seed in enumerate(range(first, first + histories), 1):
        try:
            documents, expected, _ = run(seed)
            wrong = "" if documents == expected else f"documents {documents}\nexpected  {expected}"
        except AssertionError as error:
            wrong = str(error)
        if wrong:
            print(f"seed {seed}: {wrong}\nreplay: python -m tests.simulation.soak 1 {seed}")
            return 1
        if number % 500 == 0:
            print(f"{number} histories, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{histories} histories converged, seeds {first} to {first + histories - 1}")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
