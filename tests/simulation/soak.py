"""
Many histories over all shapes: `python -m tests.simulation.soak 20000 [first seed]`; ends at the first that goes wrong.

That one is made small and told; `python -m tests.simulation.soak <recipe>` runs it again.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.minimal import Recipe, failure, smallest
from tests.simulation.report import story

AT_ONCE = 100


def told(seeds: Sequence[int]) -> tuple[Counter[str], list[tuple[int, str, str]]]:
    """How many of these have each feature, and the first that fails: `(seed, kind, text)`."""
    features: Counter[str] = Counter()
    for seed in seeds:
        features.update(Recipe(seed).case().shape.features)
        found = failure(Recipe(seed))
        if found is not None:
            return features, [(seed, *found)]
    return features, []


def main(histories: int, first: int) -> int:
    """Exit code 1 and a small case when a run goes wrong."""
    began, done, seen = time.monotonic(), 0, Counter[str]()
    stretches = [range(at, min(at + AT_ONCE, first + histories)) for at in range(first, first + histories, AT_ONCE)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for stretch, (features, failed) in zip(stretches, pool.map(told, stretches), strict=True):
            done += len(stretch)
            seen += features
            for seed, kind, text in failed:
                pool.shutdown(wait=False, cancel_futures=True)
                print(f"seed {seed}: {text}\nreplay: python -m tests.simulation.soak 1 {seed}\n\nmade small:")
                print("\n".join(story(smallest(Recipe(seed), kind))))
                return 1
            if done % 1000 == 0:
                print(f"{done} histories, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{histories} histories converged, seeds {first} to {first + histories - 1}; of all histories had:")
    for feature, count in seen.most_common():
        print(f"  {100 * count / histories:5.1f} %  {feature}")
    return 0


def replay(recipe: Recipe) -> int:
    """Runs one case again and tells it."""
    print("\n".join(story(recipe)))
    return 1 if failure(recipe) else 0


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
    sys.exit(replay(Recipe.parse(sys.argv[1])))
