"""
Prometheus for tests of metrics, boards and alerts: the one on PATH, else Debian's package in the cache.

Also gives `promtool`, which judges rules and metrics.  Not part of the stack of `demo` and `dev`.
"""

from __future__ import annotations

import json
import shutil
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from syncsvc.devstack import cache, debs, server

ANSWER_SECONDS = 10.0


def program(store: cache.Cache, name: str) -> list[str]:
    """
    The start of a command line of `prometheus` or `promtool`.

    Raises:
        ServerMissing: it is not on PATH, and this machine is no Debian that could give it.
    """
    installed = shutil.which(name)
    if installed:
        return [installed]
    return debs.through_own_loader(debs.unpacked(store, "prometheus", "prometheus"), f"usr/bin/{name}")


class Prometheus(server.Server):
    """
    One Prometheus server.

    Args:
        config: its configuration file; named files in it are relative to that.
    """

    name: ClassVar[str] = "prometheus"

    def __init__(self, store: cache.Cache, folder: Path, config: Path, port: int | None = None) -> None:
        super().__init__(store, folder, port)
        self._config = config
        self._program: list[str] = []

    def query(self, expression: str) -> list[dict[str, Any]]:
        """
        What an expression gives now: a list of `{"metric": labels, "value": [time, text]}`.

        Raises:
            urllib.error.HTTPError: 400 for an expression that is not understood.
        """
        words = urllib.parse.urlencode({"query": expression})
        found = self._ask(f"/api/v1/query?{words}")["data"]
        return list(found["result"]) if found["resultType"] == "vector" else [{"metric": {}, "value": found["result"]}]

    def rules(self) -> dict[str, str]:
        """`{alert: state}` of every alerting rule that is loaded: `inactive`, `pending` or `firing`."""
        groups = self._ask("/api/v1/rules?type=alert")["data"]["groups"]
        return {rule["name"]: rule["state"] for group in groups for rule in group["rules"]}

    def _ask(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=ANSWER_SECONDS) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def _prepare(self) -> None:
        self._program = program(self.store, "prometheus")

    def _command(self) -> Sequence[str]:
        return [
            *self._program, f"--config.file={self._config}", f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}", "--log.level=warn",
        ]  # fmt: skip

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=ANSWER_SECONDS) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
