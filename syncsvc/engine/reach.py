"""
What is told when Kafka cannot be reached: which address, what was tried, what to do.

aiokafka says "unable to bootstrap" for a wrong port, for TLS spoken to a plain listener, for an expired certificate and
for a wrong password alike; a plain connection, a handshake and a login, each by itself, tell them apart.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiokafka.conn import create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    OffsetOutOfRangeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)

from syncsvc import errors, tls
from syncsvc.engine.settings import EngineSettings

#: `{error of a right that is missing: what it is a right to}`.
_FORBIDDEN: dict[type[KafkaError], str] = {
    TopicAuthorizationFailedError: "topic",
    GroupAuthorizationFailedError: "group",
    ClusterAuthorizationFailedError: "cluster",
    TransactionalIdAuthorizationFailed: "transactional id",
}
#: One login made to find out why another one failed, seconds.
PROBE_SECONDS = 5.0


@contextlib.asynccontextmanager
async def explained(settings: EngineSettings, within_seconds: float | None = None) -> AsyncIterator[None]:
    """
    Bound the body in time and turn aiokafka's errors into what a user can act on.

    Raises:
        Unreachable: code `kafka.unreachable` (nothing answers), `kafka.refused` (someone answers, but the handshake
            or the request fails), `kafka.login` (user, password or mechanism), `kafka.forbidden` (a right is missing),
            and those of `tls.refusal`.
    """
    try:
        async with asyncio.timeout(within_seconds or settings.reach_timeout_seconds):
            yield
    except tuple(_FORBIDDEN) as error:
        raise forbidden(error) from error
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
    return forbidden(error) if isinstance(error, tuple(_FORBIDDEN)) else error


def forbidden(error: BaseException) -> errors.Unreachable:
    """What an error of a missing right becomes; it names the resource."""
    kind = next(what for refused, what in _FORBIDDEN.items() if isinstance(error, refused))
    named = error.args[0] if error.args else ""
    names = ", ".join(sorted(map(str, named))) if isinstance(named, set | frozenset | list | tuple) else str(named)
    return errors.Unreachable(
        code="kafka.forbidden",
        where=f"{kind} {names}".strip(),
        what=f"the broker refuses what was asked for: this user has no right to it ({type(error).__name__})",
        fix="give the user the ACLs that docs/security.md writes out (deploy/security/kafka-acls.sh adds them)",
    )


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
    if (refused := await _refusal(settings, answering[0])) is not None:
        return refused
    return errors.Unreachable(
        code="kafka.refused",
        where=answering[0],
        what=f"something answers there, but Kafka does not do what was asked ({reason})",
        fix="check that listener and settings agree on TLS and SASL, the user name and the password file, and that "
        "the addresses the broker advertises are reachable from here",
    )


async def _refusal(settings: EngineSettings, where: str) -> errors.Unreachable | None:
    """Why no connection is made to a broker that answers; None where one is made."""
    host, _, port = where.rpartition(":")
    host = host.strip("[]")
    if settings.secure:
        refused = await asyncio.to_thread(tls.probe, host, int(port), settings.tls_files.context())
        if refused is not None:
            return refused
    arguments = settings.connection()
    del arguments["bootstrap_servers"]
    arguments["request_timeout_ms"] = int(PROBE_SECONDS * 1000)
    try:
        connection = await asyncio.wait_for(create_conn(host, int(port), **arguments), PROBE_SECONDS)
    except (SaslAuthenticationFailed, UnsupportedSaslMechanismError) as error:
        wrong = isinstance(error, SaslAuthenticationFailed)
        return errors.Unreachable(
            code="kafka.login",
            where=f"{settings.sasl_username}@{where}",
            what="the broker refuses user or password" if wrong else f"the broker has no {settings.sasl_mechanism}",
            fix="check SYNCSVC_KAFKA_USERNAME, the file of the password and SYNCSVC_KAFKA_SASL_MECHANISM; a SCRAM user "
            "is made for one mechanism",
        )
    except (KafkaError, OSError, TimeoutError):
        return None
    connection.close()
    return None


async def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host.strip("[]"), int(port)), 2)
    except (OSError, ValueError, TimeoutError):
        return False
    writer.close()
    return True
