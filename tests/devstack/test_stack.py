"""The stack as a whole: together up, together down, and nothing left however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syncsvc import errors
from syncsvc.devstack import cache, dsn, folders, probes, schema, seeds, server, stack
from tests.devstack import processes

pytestmark = pytest.mark.servers


def runner(folder: Path, temporary: Path) -> subprocess.Popen[str]:
    """`python -m syncsvc.devstack up` in a process of its own."""
    command = [sys.executable, "-m", "syncsvc.devstack", "up", "--sql", "mariadb", "--folder", str(folder)]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )


def read_until(process: subprocess.Popen[str], word: str) -> list[str]:
    """Lines of its output up to the first with `word`; all of them when it ended before."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if word in line:
            break
    return lines


def test_everything_is_up_and_a_second_start_fetches_nothing(tmp_path: Path) -> None:
    """All four answer at the addresses given; the folder of a run is gone after it, the cache is as it was."""
    with stack.Stack(sql="mariadb") as servers:
        folder = servers.folder
    before = cached()
    said: list[str] = []
    with stack.Stack(sql="mariadb", progress=said.append) as servers:
        where = servers.addresses
        assert probes.kafka_brokers(server.HOST, servers.kafka.port) == 1
        assert where.kafka_bootstrap == servers.env()["SYNCSVC_KAFKA_BOOTSTRAP"]
        assert where.sql_dsn == servers.env()["SYNCSVC_SOURCE_DSN"]
        assert where.sql_kind == "mariadb"
        with dsn.connect(where.sql_dsn or "") as connection, connection.cursor() as cursor:
            assert cursor.execute("SELECT 1") == 1
        pids = [one.pid for one in servers.servers]
    assert not [line for line in said if "fetching" in line]
    assert cached() == before
    assert not folder.exists()
    assert not [pid for pid in pids if pid and processes.alive(pid)]


def cached() -> list[str]:
    """Artifacts in the cache."""
    return sorted(path.name for path in cache.default_root().iterdir() if (path / cache.MARKER).exists())


def test_servers_of_a_killed_owner_die_and_their_folder_is_swept(tmp_path: Path) -> None:
    """SIGKILL of the process that holds the stack: the kernel ends the servers, the next stack removes the folder."""
    program = """
import time
from syncsvc.devstack import stack
servers = stack.Stack(sql="mariadb", connect=False)
servers.start()
print(servers.folder, flush=True)
time.sleep(600)
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        folder = owner.stdout.readline().strip()
        assert len(processes.with_argument(folder)) == 3
        owner.kill()
    assert processes.eventually(lambda: not processes.with_argument(folder))
    sweep = "from syncsvc.devstack import stack; stack.Stack(connect=False, kafka=False, mongod=False).start()"
    subprocess.run([sys.executable, "-c", sweep], env=environment, check=True)
    assert not Path(folder).exists()


def test_an_interrupt_while_starting_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C with half of the servers up: exit code 0, no process left."""
    folder = tmp_path / "stack"
    with runner(folder, tmp_path) as process:
        read_until(process, "mongod: answers")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert not processes.with_argument(str(folder))


def test_the_runner_says_where_it_is_and_ends_on_request(tmp_path: Path) -> None:
    """`up` prints the environment, `env` gives it to other shells, a second `up` is refused, `down` ends it."""
    folder = tmp_path / "stack"
    with runner(folder, tmp_path) as process:
        lines = read_until(process, "SYNCSVC_SOURCE_DSN")
        assert lines[-1].startswith("export SYNCSVC_SOURCE_DSN=mysql://")
        environment = folders.environment(folder)
        assert environment is not None
        assert f"export SYNCSVC_KAFKA_BOOTSTRAP={environment['SYNCSVC_KAFKA_BOOTSTRAP']}" in lines
        with pytest.raises(errors.Unreachable) as caught:
            stack.Stack(folder, connect=False).start()
        assert caught.value.problems[0].code == "devstack.running"
        assert folders.end(folder)
        assert process.wait(60) == 0
    assert folders.environment(folder) is None
    assert not folders.end(folder)
    assert not processes.with_argument(str(folder))


def test_a_named_folder_keeps_rows_and_ports(tmp_path: Path) -> None:
    """A laptop's stack goes on where it was."""
    with stack.Stack(tmp_path, sql="mariadb", connect=False) as servers:
        first = servers.addresses
        seeds.seed(first.sql_admin_dsn or "", meetings=1, users=1, applications=1, authors=0, posts=0)
    with stack.Stack(tmp_path, sql="mariadb", connect=False) as servers:
        assert servers.addresses == first
        assert servers.sql.execute("SELECT COUNT(*) FROM meetup.meeting") == ((1,),)


def test_a_server_that_ends_by_itself_ends_the_runner(tmp_path: Path) -> None:
    """A demo without its broker must not look alive."""
    folder = tmp_path / "stack"
    with runner(folder, tmp_path) as process:
        read_until(process, "SYNCSVC_SOURCE_DSN")
        broker = next(pid for pid in processes.with_argument(f"{folder}/kafka/server.properties"))
        os.kill(broker, signal.SIGKILL)
        lines = read_until(process, "nothing")
        assert process.wait(60) == errors.Unreachable.exit_code
    assert any("devstack.server_ended" in line for line in lines)
    assert not processes.with_argument(str(folder))


def test_one_server_that_fails_stops_the_others(tmp_path: Path) -> None:
    """The error is of the one that failed; the others are not left running."""
    (tmp_path / "mongod").mkdir()
    (tmp_path / "mongod" / "data").write_text("not a folder")
    servers = stack.Stack(tmp_path, connect=False)
    with pytest.raises((errors.Unreachable, OSError), match="mongod"):
        servers.start()
    assert not processes.with_argument(str(tmp_path))


def test_connect_without_a_broker_is_refused() -> None:
    """A worker of no broker would never be ready."""
    with pytest.raises(errors.UsageFault):
        stack.Stack(kafka=False, connect=True)


def test_the_same_numbers_give_the_same_rows(tmp_path: Path) -> None:
    """Two databases seeded alike are equal, whatever their kind; rows refer to rows that are there."""
    sums = []
    for kind in ("mariadb", "mysql"):
        with stack.Stack(sql=kind, connect=False, kafka=False, mongod=False) as servers:
            for _ in range(2):  # the second seed goes on behind the first
                written = seeds.seed(
                    servers.sql.admin_dsn, meetings=20, users=30, applications=1_500, authors=3, posts=9
                )
            assert written.rows == 1_562
            tables = [servers.sql.execute(f"SELECT * FROM meetup.{table} ORDER BY id") for table in schema.TABLES]
            sums.append(tables)
            lost = "SELECT COUNT(*) FROM meetup.meeting_application a LEFT JOIN meetup.meeting m ON m.id = a.meeting_id"
            assert servers.sql.execute(f"{lost} WHERE m.id IS NULL") == ((0,),)
            assert len(tables[2]) == 3_000
    assert sums[0] == sums[1]
