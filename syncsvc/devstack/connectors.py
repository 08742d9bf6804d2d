"""
Connectors of a Kafka Connect worker, over its REST API: put one there, see that it runs, take it away.

Works for any worker, not only the one of the stack.  What is in the configuration of a connector is not known here
(`changes.connector` makes it).
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from syncsvc import errors

ANSWER_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.1
#: The worker is between two generations of its group: ask again.  Some of its answers say so with a 500 only.
CONFLICT = 409
CONFLICT_WORDS = "a rebalance is expected"
NOT_FOUND = 404


def register(url: str, name: str, config: Mapping[str, str], *, seconds: float = 60.0) -> None:
    """
    Create the connector or replace its configuration, then wait until it and its tasks run.

    Registering the same configuration again changes nothing.

    Args:
        url: of the worker, `http://host:port`.
        seconds: longest wait for it to run.

    Raises:
        Unreachable: `connect.unreachable`; `connect.refused` when Connect does not take the configuration;
            `connect.failed` with the first line of the trace; `connect.slow` after `seconds`.
    """
    deadline = time.monotonic() + seconds
    wanted = {**config, "name": name}
    # Connect would restart the tasks even for the same configuration.
    if _ask(url, "GET", f"/connectors/{name}/config", missing_ok=True) != wanted:
        _ask(url, "PUT", f"/connectors/{name}/config", wanted, deadline=deadline)
        # Until the tasks have it, the status is that of the old ones.
        while not _tasks_have(url, name, wanted) and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN_SECONDS)
    wait_until_running(url, name, seconds=max(1.0, deadline - time.monotonic()))


def wait_until_running(url: str, name: str, *, seconds: float = 60.0) -> None:
    """Wait until the connector and at least one task, and all of them, run; errors as of `register`."""
    deadline = time.monotonic() + seconds
    while True:
        found = status(url, name)
        parts = [found["connector"], *found["tasks"]] if found else []
        failed = next((part for part in parts if part["state"] == "FAILED"), None)
        if failed is not None:
            reason = first_line(failed.get("trace", ""))
            what = f"connector {name} failed: {reason}"
            raise errors.Unreachable(code="connect.failed", where=url, what=what, fix=_fix(name))
        if len(parts) > 1 and all(part["state"] == "RUNNING" for part in parts):
            return
        if time.monotonic() > deadline:
            states = ", ".join(part["state"] for part in parts) or "unknown to Connect"
            what = f"connector {name} does not run after {seconds:.0f} s: {states}"
            raise errors.Unreachable(code="connect.slow", where=url, what=what, fix=_fix(name))
        time.sleep(LOOK_AGAIN_SECONDS)


def status(url: str, name: str) -> dict[str, Any] | None:
    """`{"connector": {"state": …}, "tasks": [{"id": …, "state": …, "trace": …}, …]}`; None: there is no such one."""
    answer: dict[str, Any] | None = _ask(url, "GET", f"/connectors/{name}/status", missing_ok=True)
    return answer


def names(url: str) -> list[str]:
    """The connectors of the worker."""
    found: list[str] = _ask(url, "GET", "/connectors")
    return sorted(found)


def restart(url: str, name: str) -> None:
    """Restart the connector with its tasks, and wait until they run."""
    _ask(url, "POST", f"/connectors/{name}/restart?includeTasks=true")
    wait_until_running(url, name)


def delete(url: str, name: str) -> None:
    """Take the connector away; nothing when there is none.  Its source offsets stay with Connect."""
    _ask(url, "DELETE", f"/connectors/{name}", missing_ok=True)


def _tasks_have(url: str, name: str, config: Mapping[str, str]) -> bool:
    """Whether every task was given the configuration, or the connector failed before it made tasks."""
    found = status(url, name)
    if found is not None and found["connector"]["state"] == "FAILED":
        return True
    tasks = _ask(url, "GET", f"/connectors/{name}/tasks", missing_ok=True) or []
    return bool(tasks) and all(config.items() <= task["config"].items() for task in tasks)


def first_line(trace: str) -> str:
    """What a stack trace is about: its deepest cause, or its first line, without the class's package."""
    lines = trace.strip().splitlines()
    if not lines:
        return "no trace given"
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return causes[-1] if causes else lines[0]


def _ask(
    url: str,
    method: str,
    path: str,
    body: object = None,
    *,
    missing_ok: bool = False,
    deadline: float | None = None,
) -> Any:
    """The decoded answer; None for an empty one, and for a missing thing when that is fine."""
    deadline = deadline or time.monotonic() + ANSWER_SECONDS
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    while True:
        request = urllib.request.Request(url.rstrip("/") + path, content, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                text = answer.read()
            return json.loads(text) if text else None
        except urllib.error.HTTPError as refusal:
            said = refusal.read().decode("utf-8", "replace")
            if refusal.code == NOT_FOUND and missing_ok:
                return None
            between = refusal.code == CONFLICT or CONFLICT_WORDS in said
            if between and time.monotonic() < deadline:
                time.sleep(LOOK_AGAIN_SECONDS)
                continue
            what = f"Kafka Connect refuses {method} {path}: {_message(said)}"
            fix = "correct what it names; the log of Kafka Connect has the whole story"
            raise errors.Unreachable(code="connect.refused", where=url, what=what, fix=fix) from refusal
        except (OSError, http.client.HTTPException) as error:
            what = f"Kafka Connect does not answer: {error}"
            fix = "start it, or correct SYNCSVC_CONNECT_URL"
            raise errors.Unreachable(code="connect.unreachable", where=url, what=what, fix=fix) from error


def _message(said: str) -> str:
    try:
        return str(json.loads(said)["message"])
    except (ValueError, KeyError, TypeError):
        return said[:500] or "no reason given"


def _fix(name: str) -> str:
    return f"correct the cause, then restart it: POST /connectors/{name}/restart?includeTasks=true"
