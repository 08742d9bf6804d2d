"""What docs/commands.md shows is what the commands print, on a real MariaDB."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncsvc.devstack.stack import Stack
from tests.cli.conftest import Run
from tests.source import page

pytestmark = pytest.mark.servers


def test_the_page_shows_what_the_commands_print(
    run: Run, source: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block of init and preview in its order, to the letter, and the file that init writes."""
    if source.addresses.sql_kind != "mariadb":
        pytest.skip("the page shows a MariaDB, whose warnings differ")
    monkeypatch.chdir(tmp_path)
    shown = [(words, out) for words, out in page.commands() if words[0] in ("init", "preview")]
    assert len(shown) == 3

    for words, out in shown:
        assert page.told(run(*words).out) == page.told(out), words

    (yaml,) = page.blocks("yaml")
    assert (tmp_path / "pipelines" / "films.yaml").read_text().startswith(yaml.rstrip("…\n"))
