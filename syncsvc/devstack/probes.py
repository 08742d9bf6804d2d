"""
Whether a Kafka broker, a mongod or an HTTP server answers, asked in its own protocol with nothing but sockets.

The real clients live in `engine` and `mongo`, and only there; they also retry in the background, which hides the
moment at which a server begins to answer.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from typing import Any

import bson

#: A server that accepts a connection answers such a question in milliseconds; while it starts it may not at all.
ANSWER_SECONDS = 5.0
KAFKA_METADATA = 3
MONGO_OP_MSG = 2013


def kafka_brokers(host: str, port: int) -> int:
    """Brokers the broker at this address knows of and that take requests; 0 when it does not answer."""
    client = b"devstack"
    # Metadata request, version 1, for no topic: api key, version, correlation id, client id, empty array of topics.
    body = struct.pack(">hhih", KAFKA_METADATA, 1, 0, len(client)) + client + struct.pack(">i", 0)
    try:
        with socket.create_connection((host, port), ANSWER_SECONDS) as server:
            server.sendall(struct.pack(">i", len(body)) + body)
            answer = _exactly(server, struct.unpack(">i", _exactly(server, 4))[0])
    except OSError:
        return 0
    brokers: int = struct.unpack_from(">i", answer, 4)[0]  # after the correlation id
    return brokers


def mongo(host: str, port: int, command: Mapping[str, Any]) -> dict[str, Any]:
    """
    The answer of a mongod to one command on the database `admin`.

    Raises:
        OSError: it does not answer.
    """
    body = struct.pack("<iB", 0, 0) + bson.encode({**command, "$db": "admin"})
    with socket.create_connection((host, port), ANSWER_SECONDS) as server:
        server.sendall(struct.pack("<iiii", 16 + len(body), 1, 0, MONGO_OP_MSG) + body)
        length = struct.unpack("<i", _exactly(server, 4))[0]
        answer = _exactly(server, length - 4)
    return bson.decode(answer[12 + 5 :])  # rest of the header, flags, kind of section


def _exactly(server: socket.socket, wanted: int) -> bytes:
    got = b""
    while len(got) < wanted:
        part = server.recv(wanted - len(got))
        if not part:
            raise ConnectionResetError("the server closed the connection")
        got += part
    return got
