"""
The engine of a pipeline: a Faust app that reads for a host, and a producer.

Crash-only: whatever breaks (an agent, the consumer's thread, a rebalance, the host itself) reaches `host.failed` once,
and the process is expected to leave.  Nothing is restarted in place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from syncsvc.engine import app, reach, wire
from syncsvc.engine.cycles import Cycle
from syncsvc.engine.port import TP, Host, Outgoing
from syncsvc.engine.settings import EngineSettings

log = logging.getLogger(__name__)


class FirstFailure:
    """Tells the host of the first failure and of no other: the rest are its consequences."""

    def __init__(self, host: Host) -> None:
        self._host = host
        #: The failure, once there is one.
        self.error: BaseException | None = None
        #: True when stopping: what breaks then is of no interest.
        self.muted = False

    def __call__(self, error: BaseException) -> None:
        """Tell of `error`, in the words of `reach.fault`, unless something was told already."""
        if self.error is None and not self.muted:
            self.error = reach.fault(error)
            self._host.failed(self.error)


class Engine:
    """
    Reads topics for `host` as a member of a consumer group, and sends.

    Args:
        group: consumer group; all engines with the same group share the partitions.
        router_topics: source topics, read by the agent `router`.
        joiner_topic: the keyed topic, read by the agent `joiner`; None: there is none.

    Make and use it inside a running asyncio loop; several may run in one.
    """

    def __init__(
        self, settings: EngineSettings, group: str, router_topics: Sequence[str], joiner_topic: str | None, host: Host
    ) -> None:
        self._settings = settings
        self._group = group
        self._router_topics = list(router_topics)
        self._joiner_topic = joiner_topic
        self._host = host
        self._failed = FirstFailure(host)
        self._wire = wire.Wire(settings, group)
        self._app: app.App | None = None

    async def start(self) -> None:
        """
        Connect and join the group; returns when it has been joined. `host.assigned` is called meanwhile or later.

        Raises:
            Unreachable: Kafka does not answer within `reach_timeout_seconds`, or refuses.
            Drift: a topic does not exist.
            UsageFault: Faust's compiled parts are missing, or a secret file is.
        """
        try:
            await self._wire.start([*self._router_topics, *([self._joiner_topic] if self._joiner_topic else [])])
            await self._wire.refuse_foreign_group()
            self._app = app.build(
                self._group, self._router_topics, self._joiner_topic, self._host, self._settings, self._failed,
                Cycle(self._wire.producer, self._host.reading),
            )  # fmt: skip
            async with reach.explained(self._settings, self._settings.join_timeout_seconds):
                await self._app.start()
        except BaseException:
            await self.stop()
            raise
        if self._failed.error is not None:
            raise self._failed.error

    async def stop(self) -> None:
        """Let the host finish what it does, commit, leave the group, disconnect; bounded, and safe to call twice."""
        stopping, self._app = self._app, None
        try:
            async with asyncio.timeout(self._settings.stop_timeout_seconds + self._settings.revoke_timeout_seconds):
                if stopping is not None:
                    await stopping.consumer.let_go()
                    self._failed.muted = True
                    await stopping.stop()
                await self._wire.stop()
        except TimeoutError:
            log.warning("Kafka clients did not stop in time and are left behind")
        finally:
            self._failed.muted = True

    async def send(self, topic: str, outgoing: Outgoing) -> None:
        """Send records in order and wait for their acknowledgement; see `Producer.send`.  A failure is raised here."""
        await self._wire.send(topic, outgoing)

    async def end_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Where the next record of each partition will be written."""
        return await self._wire.end_offsets(tps)

    async def beginning_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """The first offset of each partition that is still in the log."""
        return await self._wire.beginning_offsets(tps)

    async def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """`{topic: Kafka's own id of it}` of those that exist: one that was made anew has another."""
        return await self._wire.topic_ids(names)

    async def committed(self, tps: Iterable[TP]) -> dict[TP, int]:
        """What lag tools see; not where the pipeline stands."""
        return await self._wire.committed(tps)
