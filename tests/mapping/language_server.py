"""The YAML language server that editors use, as a child process that speaks JSON-RPC over its standard streams."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

#: A version whose answers the tests were written with.
PACKAGE = "yaml-language-server@2.0.0"


def missing() -> str | None:
    """Why it cannot run on this machine, with the way out; None: it can."""
    absent = [program for program in ("node", "npm") if shutil.which(program) is None]
    return f"{' and '.join(absent)} not on PATH; apt-get install nodejs npm" if absent else None


class LanguageServer:
    """One server with one schema for every file."""

    def __init__(self, folder: Path, schema: Path) -> None:
        """Installs the server into `folder` and starts it."""
        install = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--no-save", PACKAGE]
        subprocess.run(install, check=True, capture_output=True, text=True, timeout=240)
        program = folder / "node_modules" / ".bin" / "yaml-language-server"
        self._process = subprocess.Popen([program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._ids = itertools.count(1)
        self._settings: Any = {
            "validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False},
            "schemas": {schema.as_uri(): "*.yaml"},
        }  # fmt: skip
        can = {"textDocument": {"hover": {"contentFormat": ["markdown"]}}, "workspace": {"configuration": True}}
        self.ask("initialize", processId=None, rootUri=folder.as_uri(), capabilities=can)
        self._send({"method": "initialized", "params": {}})
        self._send({"method": "workspace/didChangeConfiguration", "params": {"settings": {"yaml": self._settings}}})

    def __enter__(self) -> LanguageServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()

    def diagnostics(self, file: Path, text: str) -> list[dict[str, Any]]:
        """What is underlined in a file that was just opened."""
        document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while True:
            message = self._receive()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == file.as_uri():
                found: list[dict[str, Any]] = message["params"]["diagnostics"]
                return found

    def at(self, method: str, file: Path, line: int, character: int) -> Any:
        """`textDocument/<method>` at a place, from 0."""
        place = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", textDocument={"uri": file.as_uri()}, position=place)

    def ask(self, method: str, **params: Any) -> Any:
        """A request and its result."""
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        """The next message; questions of the server are answered on the way."""
        stream = self._process.stdout
        assert stream is not None
        length = 0
        while line := stream.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(stream.read(length))
        if "id" in message and "method" in message:
            items = message.get("params", {}).get("items", []) if message["method"] == "workspace/configuration" else []
            known = {"yaml": self._settings}
            self._send({"id": message["id"], "result": [known.get(item.get("section"), {}) for item in items] or None})
        return message
