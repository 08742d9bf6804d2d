"""
Waiting for a condition, with a bound after which the test fails and says what was missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LOOK_AGAIN_SECONDS = 0.02
#: Longest wait for anything; reached only when something is broken.
PATIENCE_SECONDS = 90.0


def wait_until(condition: Callable[[], Any], missing: Callable[[], str], seconds: float = PATIENCE_SECONDS) -> None:
    """Returns when the condition holds; fails with what is `missing` after the bound."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, missing()
        time.sleep(LOOK_AGAIN_SECONDS)
