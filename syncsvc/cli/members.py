"""
Which pipelines have workers that run now, as Kafka knows the members of their consumer groups.

Asked before something is dropped that a worker would go on using: MongoDB cannot tell, where it is the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncsvc.engine.groups import Groups
from syncsvc.mapping.model import Pipeline
from syncsvc.settings import Settings
from syncsvc.wiring.connections import engine_settings


async def running(pipelines: Iterable[Pipeline], settings: Settings) -> list[tuple[Pipeline, str]]:
    """
    Those of the pipelines whose group has members, each with its workers' hosts, `10.0.0.4, 10.0.0.5`.

    Raises:
        Unreachable: Kafka is not there, or does not let us see the group.
    """
    found = []
    async with Groups(engine_settings(settings)) as groups:
        for one in pipelines:
            if hosts := await groups.hosts(one.group):
                found.append((one, ", ".join(hosts)))
    return found
