"""What holds for all tests: which of them start real servers, and a count of servers that were not to be had."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

# Started in the background of a shell, Python and all its children would ignore Ctrl-C, which tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Folders in which every test starts servers.
WITH_SERVERS = ("integration",)
HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--screenshots FOLDER`: the tests of the page leave their pictures there; docs/images is made so."""
    parser.addoption("--screenshots", metavar="FOLDER", type=Path, help="where tests of the page leave pictures")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks whole folders, so that `-m "not servers"` is what runs in seconds."""
    for item in items:
        if item.path.relative_to(HERE).parts[0] in WITH_SERVERS:
            item.add_marker(pytest.mark.servers)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly which tests were skipped, and why: a missing server must not look like a passed test."""
    skipped = terminalreporter.stats.get("skipped", [])
    for report in skipped:
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {report.longrepr[2]}", yellow=True, bold=True)
