"""
Our side of the meetup workload: maps the harness's environment to ours and runs the workers.

The workload's topics carry plain JSON of integers and strings; `publish: direct`, since the harness reads the
collection.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

from benchmarks import quota
from syncsvc import service, settings
from syncsvc.mapping import load
from syncsvc.mapping.model import Pipeline

PIPELINE = """
pipeline: {name}
generation: 1
collection: {collection}
publish: direct
source: {{topic_prefix: {prefix}}}
partitions: 8
root: {{table: meetup.meeting, key: id, fields: [title, place, capacity, status, starts_at]}}
embed:
  applications:
    many: meetup.meeting_application
    on: meeting_id
    order_by: [id]
    fields: [id, status, memo, applied_at]
    embed:
      user: {{one: meetup.user, on: user_id, fields: [id, name, email, city]}}
computed:
  application_count: {{count: applications}}
tables:
  meetup.meeting:
    key: id
    columns:
      {{id: int, title: varchar(200), place: varchar(100), capacity: int, status: varchar(20), starts_at: bigint}}
  meetup.meeting_application:
    key: id
    columns:
      {{id: int, meeting_id: int, user_id: int, status: varchar(20), memo: varchar(500), applied_at: bigint}}
  meetup.user:
    key: id
    columns: {{id: int, name: varchar(100), email: varchar(200), city: varchar(100)}}
"""
#: From <linux/prctl.h>: a worker must not outlive the process that the harness, or a scenario, can end.
PR_SET_PDEATHSIG = 1


def main() -> int:
    """Runs the workers, the first in this process, until TERM; the exit code of the first that failed, or 0."""
    given = os.environ
    state = Path(given["PB_STATE"])
    # The pipeline's name is in the names of its topics and group, which the harness cleans up by the prefix.
    name = given["PB_PREFIX"]
    path = state / "meetup.yaml"
    path.write_text(PIPELINE.format(name=name, collection=given["PB_COLLECTION"], prefix=given["PB_PREFIX"]))
    pipeline = load(path)
    # Forked after the imports, as a server with workers would: they cost a second of CPU, once instead of N times.
    others = [_fork(pipeline, number, state) for number in range(1, int(given.get("WORKERS", "2")))]
    code = _work(pipeline, 0, state)
    for worker in others:
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            os.kill(worker, signal.SIGTERM)
    codes = [os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in others]
    return next((code for code in (code, *codes) if code), 0)


def _fork(pipeline: Pipeline, number: int, state: Path) -> int:
    """Runs a worker in a process of its own; returns its pid."""
    pid = os.fork()
    if pid:
        return pid
    with contextlib.suppress(AttributeError):  # no prctl outside Linux
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os._exit(_work(pipeline, number, state))


def _work(pipeline: Pipeline, number: int, state: Path) -> int:
    """Runs a worker until TERM; its exit code."""
    groups = os.environ.get("WORKER_GROUPS", "").split()
    if number < len(groups):
        quota.enter(Path(groups[number]))
    ports = os.environ.get("HTTP_PORTS", "").split()
    environment = {
        "SYNCSVC_KAFKA_BOOTSTRAP": os.environ["PB_KAFKA"],
        "SYNCSVC_MONGO_URI": os.environ["PB_MONGO"],
        "SYNCSVC_MONGO_DATABASE": os.environ["PB_DB"],
        "SYNCSVC_STATE_DIR": str(state / f"worker-{number}"),
        "SYNCSVC_HTTP_PORT": ports[number] if number < len(ports) else "0",
        "SYNCSVC_LOG_FORMAT": "text",
        "SYNCSVC_LOG_LEVEL": os.environ.get("SYNCSVC_LOG_LEVEL", "warning"),
    }
    if os.environ.get("NAMED"):
        environment["SYNCSVC_INSTANCE"] = f"worker-{number}"
    return service.run([pipeline], settings.read(environment))


if __name__ == "__main__":
    sys.exit(main())
