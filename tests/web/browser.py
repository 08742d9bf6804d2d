"""
A headless Chromium, driven by Playwright: the one on PATH, else Debian's package, fetched as the servers are.

Nothing is installed on the machine: the package and its libraries are unpacked into the cache folder (`devstack.debs`)
and started with those libraries.  Where neither is to be had, the tests are skipped and say so.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, async_playwright

from syncsvc import errors
from syncsvc.devstack import cache, children, debs

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Chromium:
    """A browser that can be started."""

    program: Path
    environment: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A Chromium, or a loud skip."""
    installed = next(filter(None, map(shutil.which, NAMES)), None)
    if installed:
        yield Chromium(Path(installed))
        return
    nursery = children.Nursery()
    try:
        root = debs.unpacked(cache.Cache(nursery, print), "Chromium", "chromium")
    except errors.Unreachable as error:
        pytest.skip(f"CHROMIUM IS NOT TO BE HAD, the page was not tried in a browser: {error}")
    finally:
        nursery.close()
    yield Chromium(root / "usr/lib/chromium/chromium", _environment(root))


def _environment(root: Path) -> dict[str, str]:
    """Libraries and fonts of the unpacked root; it is of the machine's own release, so the loader fits."""
    libraries = root / f"usr/lib/{platform.machine()}-linux-gnu"
    return {
        "LD_LIBRARY_PATH": f"{libraries}:{libraries / 'pulseaudio'}",
        "FONTCONFIG_FILE": str(root / "etc/fonts/fonts.conf"),
        "XDG_DATA_HOME": str(root / "usr/share"),
    }


@asynccontextmanager
async def a_browser(
    chromium: Chromium, folder: Path, *, java_script_enabled: bool = True
) -> AsyncIterator[BrowserContext]:
    """A browser of its own, which keeps everything it writes in `folder`."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            folder,
            executable_path=chromium.program,
            args=FLAGS,
            env={**os.environ, **chromium.environment},
            viewport={"width": 1280, "height": 900},
            timeout=60_000,
            java_script_enabled=java_script_enabled,
        )
        try:
            yield context
        finally:
            await context.close()
