"""
Kafka, Kafka Connect and Debezium: jars of Maven Central, fetched by the user's own Maven with the poms beside us.

The user's Maven settings (mirrors, proxies, local repository) hold.  Connectors lie in folders of their own, outside
the class path of Kafka, because Connect loads each plugin in isolation.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from syncsvc.devstack import cache, missing

KAFKA_VERSION = "4.1.0"
DEBEZIUM_VERSION = "3.5.0.Final"
#: The connectors of Debezium that the stack offers; also the names of their folders.
CONNECTORS = ("mysql", "mariadb")
#: Kafka 4 servers need Java 17.
OLDEST_JAVA = 17
GOAL = ("-Dstyle.color=never", "dependency:copy-dependencies", "-DincludeScope=runtime")
POMS = Path(__file__).with_name("poms")


@dataclass(frozen=True)
class Java:
    """A Java that can run the servers."""

    #: Path of the program.
    program: str
    #: For example `17.0.15`.
    version: str


@functools.cache
def java() -> Java:
    """
    A Java of version 17 or later.

    Raises:
        ServerMissing: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home, "bin", "java")) if home else shutil.which("java")
    fix = f"install a JDK {OLDEST_JAVA} or later (Debian: apt-get install openjdk-17-jdk-headless) or set JAVA_HOME"
    if program is None:
        raise missing.ServerMissing(server="kafka", what="no java on PATH and no JAVA_HOME", fix=fix)
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError) as error:
        what = f"{program} -version cannot be run: {error}"
        raise missing.ServerMissing(server="kafka", what=what, fix=fix) from error
    version = re.search(r'version "((\d+)[^"]*)"', said)
    if version is None or int(version[2]) < OLDEST_JAVA:
        what = f"{program} is too old: {said.splitlines()[0] if said else 'it does not say its version'}"
        raise missing.ServerMissing(server="kafka", what=what, fix=fix)
    return Java(program, version[1])


def kafka(store: cache.Cache) -> Path:
    """The folder of the jars of Kafka and Kafka Connect."""

    def make(stage: Path) -> None:
        _copy(store, "kafka.xml", stage, stage, f"-Dkafka.version={KAFKA_VERSION}")

    return store.folder(f"kafka-{KAFKA_VERSION}", make)


def connectors(store: cache.Cache) -> Path:
    """The plugin path for Kafka Connect: one folder a connector."""

    def make(stage: Path) -> None:
        version = f"-Ddebezium.version={DEBEZIUM_VERSION}"
        for kind in CONNECTORS:
            _copy(store, "connector.xml", stage / kind, stage, version, f"-Dkind={kind}")

    return store.folder(f"debezium-{DEBEZIUM_VERSION}", make)


def _copy(store: cache.Cache, pom: str, jars: Path, stage: Path, *settings: str) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise missing.ServerMissing(
            server="kafka",
            what="no mvn on PATH; Kafka and Debezium are fetched from Maven Central",
            fix="install Maven 3.6 or later (Debian: apt-get install maven), needed for the first start only",
        )
    java()
    what = f"jars of {jars.relative_to(stage.parent).as_posix().strip('.').replace('.stage', '')}"
    store.progress(f"{what}: fetching with Maven")
    # One Maven at a time: its local repository is not safe against a second one that fills it.
    with store.lock("maven"):
        store.nursery.run(
            "Maven",
            [maven, "-q", "-B", "-f", str(POMS / pom), *settings, f"-DoutputDirectory={jars}", *GOAL],
            log=store.log("maven"),
            fix="check the network and the mirror in the Maven settings, then start again",
            watch=store.watch(what, stage),
        )
