"""
What is told when Kafka cannot be reached: which address, what was tried, what to do.

aiokafka says "unable to bootstrap" for a wrong port, for TLS spoken to a plain listener and for a wrong password
alike; a plain connection tells the first from the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from syncsvc import errors
from syncsvc.engine.settings import EngineSettings


@contextlib.asynccontextmanager
async def explained(settings: EngineSettings, within_seconds: float | None = None) -> AsyncIterator[None]:
    """
    Bound the body in time and turn aiokafka's errors into what a user can act on.

    Raises:
        Unreachable: code `kafka.unreachable` (nothing answers), `kafka.refused` (someone answers, but the handshake
            or the request fails).
    """
    try:
        async with asyncio.timeout(within_seconds or settings.reach_timeout_seconds):
            yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise await _explanation(settings, error) from error


def fault(error: BaseException) -> BaseException:
    """The error as it is told to a user: an offset outside the log has a way out, others speak for themselves."""
    if isinstance(error, OffsetOutOfRangeError):
        return errors.Drift(
            code="kafka.offset_out_of_range",
            where=", ".join(f"{tp.topic}[{tp.partition}]@{offset}" for tp, offset in error.args[0].items()),
            what="the records to read next are no longer in the log: it was cut, or its retention passed meanwhile",
            fix="rebuild the pipeline in a new generation, and give the topic a longer retention",
        )
    return error


async def _explanation(settings: EngineSettings, error: BaseException) -> errors.Unreachable:
    reason = str(error) or type(error).__name__
    answering = [address for address in settings.bootstrap.split(",") if await _answers(address.strip())]
    if not answering:
        return errors.Unreachable(
            code="kafka.unreachable",
            where=settings.bootstrap,
            what=f"no Kafka broker answers there ({reason})",
            fix="start Kafka, or set SYNCSVC_KAFKA_BOOTSTRAP to host:port of a listener reachable from here",
        )
    return errors.Unreachable(
        code="kafka.refused",
        where=answering[0],
        what=f"something answers there, but Kafka does not do what was asked ({reason})",
        fix="check that listener and settings agree on TLS and SASL, the user name and the password file, and that "
        "the addresses the broker advertises are reachable from here",
    )


async def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host.strip("[]"), int(port)), 2)
    except (OSError, ValueError, TimeoutError):
        return False
    writer.close()
    return True
