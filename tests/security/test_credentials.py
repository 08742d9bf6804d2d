"""When a worker takes mounted secrets for changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from syncsvc.settings import Settings
from syncsvc.wiring.credentials import Secrets

LOOK_SECONDS = 0.02


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    """Two secrets in files."""
    for name in ("kafka", "mongo"):
        (tmp_path / name).write_text("old")
    return Settings(kafka_password_file=tmp_path / "kafka", mongo_uri_file=tmp_path / "mongo")


async def told(given: Settings, *changes: str | None) -> Sequence[str]:
    """What is told after the Kafka password's file held these, one look each; None: it is gone."""
    found: list[Sequence[str]] = []
    watching = asyncio.create_task(Secrets(given).watch(found.append, LOOK_SECONDS))
    await asyncio.sleep(0)
    assert given.kafka_password_file is not None
    for text in changes:
        if text is None:
            given.kafka_password_file.unlink()
        else:
            given.kafka_password_file.write_text(text)
        await asyncio.sleep(LOOK_SECONDS)
    await asyncio.wait([watching], timeout=LOOK_SECONDS * 15)
    watching.cancel()
    assert len(found) < 2
    return found[0] if found else []


async def test_a_changed_secret_is_told_by_the_name_of_its_setting(given: Settings) -> None:
    """Once, and only the one that changed."""
    assert await told(given, "new") == ["SYNCSVC_KAFKA_PASSWORD_FILE"]


async def test_a_secret_that_is_what_it_was_is_no_change(given: Settings) -> None:
    """Written again with the same content, or gone and not come back: a restart would help nobody."""
    assert await told(given, "old") == []
    assert await told(given, None) == []


async def test_without_files_nothing_is_watched() -> None:
    """A worker on a laptop has no mounted secrets."""
    await asyncio.wait_for(Secrets(Settings()).watch(lambda files: None, LOOK_SECONDS), 1)
