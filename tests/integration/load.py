"""
Changes that go on while a test does something else.
"""

from __future__ import annotations

import threading

from tests.integration.stage import Stage


class Load:
    """Changes that go on while the test does something else: `with Load(stage): …`."""

    #: So many changes at a time, with the pause between: about 150 a second, which leaves room for everything else.
    CHANGES, PAUSE_SECONDS = 15, 0.1

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._over.wait(self.PAUSE_SECONDS):
                self._stage.change(self.CHANGES)
        except BaseException as error:  # told by the thread that waits for us
            self._error = error
