"""Large blocks that were given back leave the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from syncsvc.wiring import memory

#: Blocks of 1 MiB between small ones that live on, as a fetch's buffers between what is remembered of its rows.
CHILD = """
import sys
from pathlib import Path
from syncsvc.wiring import memory

if sys.argv[1] == "told":
    assert memory.give_back_blocks()
lives = []
for _ in range(3):
    blocks = []
    for _ in range(64):
        blocks.append(bytearray(1 << 20))
        lives.append(bytearray(2000))
    del blocks
print(int(Path("/proc/self/statm").read_text().split()[1]) * 4 // 1024)
"""


def resident_mb(told: str) -> int:
    """Memory of the child, in MiB, when it has given its blocks back."""
    found = subprocess.run([sys.executable, "-c", CHILD, told], check=True, capture_output=True, text=True)
    return int(found.stdout)


@pytest.mark.skipif("not sys.platform.startswith('linux')")
def test_a_burst_of_large_blocks_does_not_stay_in_the_process() -> None:
    """Peak memory of a backlog is not what the worker has from then on."""
    if not memory.give_back_blocks():
        pytest.skip("not glibc")

    assert resident_mb("told") + 30 < resident_mb("untold")
