"""How much of the disk a folder of caches takes, asked when somebody scrapes."""

from __future__ import annotations

import contextlib
from pathlib import Path

#: What `st_blocks` counts in, whatever the file system's own block is.
BLOCK_BYTES = 512


def bytes_below(root: Path) -> int:
    """Bytes of disk behind all files below `root`: sparse files count as what they fill; 0 when it does not exist."""
    total = 0
    for path in root.glob("*/*"):
        with contextlib.suppress(OSError):  # a partition is given back while we look
            total += path.stat().st_blocks * BLOCK_BYTES
    return total
