"""
The connectors of some pipelines as they should be and as Kafka Connect has them: one for each topic prefix.

A connector is shared by all pipelines of its prefix, also by those that are not on the command line: what it captures
for them stays.  A password is put into Connect and never shown.
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from syncsvc.changes import connector
from syncsvc.errors import Problem, Unreachable, UsageFault
from syncsvc.mapping.model import Pipeline
from syncsvc.settings import Settings, secret
from syncsvc.source import address, servers

ANSWER_SECONDS = 30.0
_NOT_FOUND = 404
#: Lists of what is captured; they grow, so that the tables of other pipelines stay captured.
_LISTS = ("database.include.list", "table.include.list")
_SECRETS = re.compile(r"password|jaas|secret|credential|\.key$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wish:
    """A connector as it should be."""

    name: str
    config: Mapping[str, str]
    #: As Connect has it now; None: there is none.
    there: Mapping[str, str] | None

    @property
    def changes(self) -> dict[str, tuple[str | None, str]]:
        """`{setting: (now, wanted)}` of what differs, secrets as stars."""
        there = self.there or {}
        differing = {name: (there.get(name), value) for name, value in self.config.items() if there.get(name) != value}
        return {name: ("***", "***") if _SECRETS.search(name) else pair for name, pair in differing.items()}


def name_for(topic_prefix: str) -> str:
    """
    Name of the connector of a topic prefix.

    >>> name_for("meetup")
    'syncsvc-meetup'
    """
    return f"syncsvc-{topic_prefix}"


def wishes(pipelines: Sequence[Pipeline], settings: Settings, url: str, kinds: Mapping[str, str]) -> list[Wish]:
    """
    The connectors of these pipelines, compared with Kafka Connect at `url`.

    Args:
        kinds: `{topic prefix: "mysql" or "mariadb"}` of each server, see `connection.server_kind`.

    Raises:
        UsageFault: the source DSN is missing or not of the form; by the file of more settings `connector.bad_line`,
            `connector.lossy_setting`.
        Unreachable: `connect.unreachable`.
    """
    found = []
    for prefix in servers.prefixes(pipelines):
        source, name = address.parsed(servers.dsn(settings, prefix)), name_for(prefix)
        reading = [(pipeline, servers.tables_by_prefix(pipeline).get(prefix)) for pipeline in pipelines]
        wanted = connector.connector_config(
            name=name,
            kind=kinds[prefix],
            pipelines=[replace(pipeline, topic_prefix=prefix, tables=tables) for pipeline, tables in reading if tables],
            host=source.host,
            port=source.port,
            user=source.user,
            password=source.password,
            kafka_bootstrap=settings.kafka_bootstrap,
            server_id=_server_id(prefix),
            replication_factor=settings.replication_factor,
        )
        wanted = _with_more(wanted, settings)
        there = config(url, name)
        found.append(Wish(name, _keeping(wanted, there), there))
    return found


def _with_more(wanted: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """With the settings of the file; where both name one the file holds, unless values would be lost by it."""
    file, more = settings.connector_settings_file, dict(wanted)
    problems = []
    for number, line in enumerate((secret(file) or "").splitlines(), 1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals:
            problems.append(Problem("connector.bad_line", f"{file}:{number}", "there is no =", "write  name=value"))
        more[name.strip()] = value.strip()
    known = connector.lossy_settings(wanted)
    problems += [problem for problem in connector.lossy_settings(more) if problem not in known]
    if problems:
        raise UsageFault.of(problems)
    return more


def config(url: str, name: str) -> dict[str, str] | None:
    """
    Settings of a connector; None when there is none of this name.

    Raises:
        Unreachable: `connect.unreachable`.
    """
    found: dict[str, str] | None = _asked(url, f"/connectors/{quote(name)}/config", _is_config)
    return found


def status(url: str, name: str) -> dict[str, Any] | None:
    """`{"connector": {"state": …}, "tasks": [{"id": …, "state": …, "trace": …}]}`; None and errors as of `config`."""
    found: dict[str, Any] | None = _asked(url, f"/connectors/{quote(name)}/status", _is_status)
    return found


def objections(url: str, settings: Mapping[str, str]) -> dict[str, list[str]] | None:
    """
    What Connect would object to in the settings of a connector, `{setting: reasons}`; nothing is registered.

    None: the worker does not have the connector's plugin.  Errors as of `config`.
    """
    plugin = settings["connector.class"].rpartition(".")[2]
    found = _asked(url, f"/connector-plugins/{quote(plugin)}/config/validate", _is_judgement, dict(settings))
    if found is None:
        return None
    return {one["value"]["name"]: one["value"]["errors"] for one in found["configs"] if one["value"]["errors"]}


def _asked(url: str, path: str, fits: Callable[[Any], bool], body: object = None) -> Any:
    """
    The answer to a GET, or to a PUT where there is a body; None for 404.

    Args:
        fits: whether an answer has the shape that Connect gives it; what answers there may be another service.
    """
    content = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(  # noqa: S310 (the user's URL)
            url.rstrip("/") + path, content, {"Content-Type": "application/json"}, method="PUT" if content else "GET"
        )
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            found = json.load(answer)
    except urllib.error.HTTPError as refusal:
        if refusal.code == _NOT_FOUND:
            return None
        raise _unreachable(url, f"HTTP {refusal.code} {refusal.reason}") from None
    except (OSError, ValueError, OverflowError, http.client.HTTPException) as error:  # Overflow: a port above 65535
        raise _unreachable(url, _reason(error)) from None
    if not fits(found):
        raise _unreachable(url, "what answers there is another service")
    return found


def _is_config(found: Any) -> bool:
    return isinstance(found, dict) and all(isinstance(value, str | None) for value in found.values())


def _is_status(found: Any) -> bool:
    if not isinstance(found, dict) or not isinstance(found.get("tasks"), list):
        return False
    return all(isinstance(part, dict) and "state" in part for part in (found.get("connector"), *found["tasks"]))


def _is_judgement(found: Any) -> bool:
    if not isinstance(found, dict) or not isinstance(found.get("configs"), list):
        return False
    values = [one.get("value") if isinstance(one, dict) else None for one in found["configs"]]
    return all(isinstance(value, dict) and {"name", "errors"} <= value.keys() for value in values)


def _reason(error: Exception) -> str:
    if isinstance(error, http.client.BadStatusLine) and not isinstance(error, OSError):
        return "what answers there does not speak HTTP"  # the error quotes it, as bytes of whatever protocol
    return str(getattr(error, "reason", error)) or type(error).__name__


def _unreachable(url: str, why: str) -> Unreachable:
    return Unreachable(
        code="connect.unreachable",
        where=url,
        what=f"Kafka Connect does not answer: {why}",
        fix="start it, or correct SYNCSVC_CONNECT_URL",
    )


def _keeping(wanted: Mapping[str, str], there: Mapping[str, str] | None) -> dict[str, str]:
    """The wanted settings, with what an existing connector captures for other pipelines."""
    kept = dict(wanted)
    for name in _LISTS:
        captured = {item for item in (there or {}).get(name, "").split(",") if item}
        kept[name] = ",".join(sorted(captured | set(wanted[name].split(","))))
    return kept


def _server_id(prefix: str) -> int:
    """A number for the connector as a replica, the same each time and unlike the small ones people give to servers."""
    return 0x4000_0000 | zlib.crc32(prefix.encode()) & 0x3FFF_FFFF
