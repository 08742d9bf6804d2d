"""
What answers at a wrong address: any service, or nothing but an open port.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def stranger(says: bytes = b"", after: bytes = b"") -> Iterator[str]:
    """
    `host:port` of a server that says this to everybody and hangs up; with nothing to say it stays silent.

    Args:
        says: in bytes, of whatever protocol.
        after: the end of what has to be heard before.
    """
    open_ones: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, says, after, open_ones), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            for one in open_ones:
                one.close()


def _serve(listening: socket.socket, says: bytes, after: bytes, open_ones: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            one, _ = listening.accept()
            open_ones.append(one)
            heard = b""
            while not heard.endswith(after) and (more := one.recv(4096)):
                heard += more
            if says:
                one.sendall(says)
                one.shutdown(socket.SHUT_WR)
