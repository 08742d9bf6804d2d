"""What our clients ask of a broker beyond aiokafka's own habits."""

from __future__ import annotations

from typing import Any

import pytest

from syncsvc.engine import reading
from syncsvc.engine.port import TP
from syncsvc.engine.settings import EngineSettings

pytestmark = [pytest.mark.servers, pytest.mark.timeout(60)]


async def test_offsets_of_many_topics_are_asked_for_without_a_wait_for_each(
    make_topic: Any, settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with many tables starts as soon as one with few: one question about where they are, then the offsets."""
    topics = [await make_topic(1) for _ in range(5)]
    asked: list[set[str]] = []
    async with reading.reader(settings) as reader:
        client = reader._consumer._client
        real = client._metadata_update

        async def counted(cluster: Any, wanted: Any) -> bool:
            asked.append(set(wanted))
            known: bool = await real(cluster, wanted)
            return known

        monkeypatch.setattr(client, "_metadata_update", counted)
        found = await reader.bounds([TP(name, 0) for name in topics])

    assert found == {TP(name, 0): (0, 0) for name in topics}
    assert asked == [set(topics)]
