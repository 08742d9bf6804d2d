"""
A schema registry for tests: the part of two APIs that is used, over one list of schemas in memory.

Confluent's, which readers use (`GET /schemas/ids/<id>`), and Apicurio's, through which its Avro converter registers
what it writes.  Both give a schema the same id.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class RegistryServer:
    """Serves until `close`; may be told to fail."""

    def __init__(self, schemas: Mapping[int, str] | None = None) -> None:
        #: `{id: schema as JSON text}`.
        self.schemas = dict(schemas or {})
        #: Paths that were asked for, in order.
        self.asked: list[str] = []
        #: The `Authorization` of those who asked.
        self.authorizations: list[str | None] = []
        #: HTTP status that every answer has; 0: it answers well.
        self.failing = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Nobody answers any more."""
        self._server.shutdown()
        self._server.server_close()

    def add(self, schema: str) -> int:
        """The id of a schema; a new one where it is not known."""
        with self._lock:
            known = next((number for number, text in self.schemas.items() if text == schema), None)
            number = known or max(self.schemas, default=0) + 1
            self.schemas[number] = schema
            return number


def _handler(registry: RegistryServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            registry.asked.append(self.path)
            registry.authorizations.append(self.headers.get("Authorization"))
            number = self.path.partition("?")[0].rpartition("/")[2]
            schema = registry.schemas.get(int(number)) if number.isdigit() else None
            if registry.failing:
                self._answer(registry.failing, {"error_code": registry.failing, "message": "told to fail"})
            elif schema is None:
                self._answer(404, {"error_code": 40403, "message": "Schema not found"})
            else:
                self._answer(200, {"schema": schema})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            number = registry.add(body)
            about = {
                "id": self.headers.get("X-Registry-ArtifactId", "schema"), "groupId": "default", "type": "AVRO",
                "version": "1", "state": "ENABLED", "globalId": number, "contentId": number, "references": [],
            }  # fmt: skip
            self._answer(200, about)

        def _answer(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Nothing is printed."""

    return Handler
