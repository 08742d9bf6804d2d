"""Who is in a consumer group, as the broker describes it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from syncsvc.engine.groups import Groups
from syncsvc.engine.settings import EngineSettings


class Admin:
    """A broker whose group is in the middle of a rebalance: nobody has been given anything yet."""

    async def describe_consumer_groups(self, _: list[str]) -> list[Any]:
        """One answer."""
        members = [
            {"member_id": host, "client_id": "c", "client_host": f"/{host}", "member_assignment": b""}
            for host in ("10.0.0.5", "10.0.0.4", "10.0.0.4")
        ]
        return [SimpleNamespace(to_object=lambda: {"groups": [{"error_code": 0, "members": members}]})]


async def test_members_count_also_while_their_partitions_are_given_out_anew() -> None:
    """Whoever asks whether workers run, before he drops what they use, is not told that there are none."""
    groups = cast(Any, object.__new__(Groups))
    groups._settings, groups._admin = EngineSettings("127.0.0.1:1"), Admin()

    assert await groups.hosts("g") == ["10.0.0.4", "10.0.0.5"]
    assert await groups.members("g") == {}
