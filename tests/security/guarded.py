"""
Servers of the development stack with TLS, logins and authorization switched on.

Each keeps a way in for the test itself, on the loopback interface: Kafka a plain listener of a super user, the others
an administrator.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import confluent_kafka.admin as confluent
import pymongo

from syncsvc.devstack import cache, jars, jvm, server
from syncsvc.devstack.connect import Connect
from syncsvc.devstack.kafka import Kafka
from syncsvc.devstack.mariadb import MariaDb
from syncsvc.devstack.mongod import Mongod
from syncsvc.devstack.mysql import MySql
from syncsvc.devstack.sqlserver import SqlServer
from tests.security.authority import Authority, Pair

DEPLOY = Path(__file__).parents[2] / "deploy" / "security"
ADMIN, ADMIN_PASSWORD = "root", "of-the-test"


class GuardedKafka(Kafka):
    """
    A broker with two more listeners: SASL/SCRAM over TLS (`secure`) and mutual TLS (`mutual`); nothing is allowed that
    no ACL allows.
    """

    def __init__(self, store: cache.Cache, folder: Path, authority: Authority, pair: Pair) -> None:
        super().__init__(store, folder)
        self.secure, self.mutual = f"{server.HOST}:{server.free_port()}", f"{server.HOST}:{server.free_port()}"
        listeners = f"PLAINTEXT://{self.address},SECURE://{self.secure},MUTUAL://{self.mutual}"
        self.settings |= {
            "listeners": f"{listeners},CONTROLLER://{server.HOST}:{self._controller_port}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL,MUTUAL:SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.secure.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "listener.name.mutual.ssl.client.auth": "required",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority.file),
            "ssl.keystore.type": "PEM",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
        self.show(pair)

    def show(self, pair: Pair) -> None:
        """The certificate it shows from its next start on."""
        self.settings["ssl.keystore.location"] = str(pair.both)

    def user(self, name: str, password: str) -> None:
        """Make a SCRAM user, or give it another password."""
        info = confluent.ScramCredentialInfo(confluent.ScramMechanism.SCRAM_SHA_512, 4096)
        change = confluent.UserScramCredentialUpsertion(name, info, password.encode())
        admin = self.admin()  # its answers come as long as it lives
        for done in admin.alter_user_scram_credentials([change]).values():
            done.result(30)

    def admin(self) -> confluent.AdminClient:
        """Of a user that may everything."""
        return confluent.AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def tool(self, place: Path) -> Path:
        """Kafka's own `kafka-acls.sh`, made of the jars of the broker; `place` is a folder."""
        command = jvm.command(
            place, sorted(jars.kafka(self.store).glob("*.jar")), "org.apache.kafka.tools.AclCommand", heap_mb=128,
            options=("-XX:TieredStopAtLevel=1",),
        )  # fmt: skip
        file = place / "kafka-acls.sh"
        file.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in command) + ' "$@"\n')
        file.chmod(0o755)
        return file


    def allow(self, place: Path, *words: str) -> None:
        """Runs the script of `deploy/security` with Kafka's own tool, which is made in `place`."""
        place.mkdir(exist_ok=True)
        settings = {"KAFKA_ACLS": str(self.tool(place)), "BOOTSTRAP": self.bootstrap}
        subprocess.run([str(DEPLOY / "kafka-acls.sh"), *words], env={**os.environ, **settings}, check=True, timeout=400)

    def client(self, user: str, password: str, prefix: str = "") -> dict[str, str]:
        """Settings of a Java client that logs in, each name with the prefix."""
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        found = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": f'{module} required username="{user}" password="{password}";',
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.settings["ssl.truststore.location"],
        }
        return {f"{prefix}{name}": text for name, text in found.items()}


class GuardedConnect(Connect):
    """A worker of Kafka Connect, with its connectors, that logs in to a guarded broker."""

    def __init__(self, store: cache.Cache, folder: Path, kafka: GuardedKafka, user: str, password: str) -> None:
        super().__init__(store, folder, kafka.secure)
        prefixes = ("", "producer.", "consumer.", "admin.")
        self._login = [pair for prefix in prefixes for pair in kafka.client(user, password, prefix).items()]

    def _prepare(self) -> None:
        super()._prepare()
        with self._settings.open("a") as settings:
            settings.writelines(f"{name}={text}\n" for name, text in self._login)


class GuardedMongod(Mongod):
    """
    A replica set of one with `--auth`, a key file and TLS; an administrator is made at the first start.

    Once that one is there, connections without TLS are refused.
    """

    def __init__(self, store: cache.Cache, folder: Path, authority: Authority, pair: Pair) -> None:
        super().__init__(store, folder, cache_gb=0.25)
        folder.mkdir(parents=True, exist_ok=True)
        key = folder / "members.key"
        key.write_text("c3luY3N2YyBtZW1iZXJzIG9mIG9uZSBzZXQ=")
        key.chmod(0o400)
        self.authority, self.pair = authority, pair
        self.arguments = (
            "--auth", "--keyFile", str(key), "--tlsMode", "preferTLS", "--tlsCertificateKeyFile", str(pair.both),
            "--tlsCAFile", str(authority.file), "--tlsAllowConnectionsWithoutCertificates",
        )  # fmt: skip

    def _settle(self) -> None:
        super()._settle()
        if not (self.folder / "has-admin").exists():
            with pymongo.MongoClient[dict[str, Any]](self.uri) as client:  # the localhost exception
                client.admin.command("createUser", ADMIN, pwd=ADMIN_PASSWORD, roles=["root"])
            (self.folder / "has-admin").touch()
        with self.admin() as client:
            client.admin.command("setParameter", 1, tlsMode="requireTLS")

    def admin(self) -> pymongo.MongoClient[dict[str, Any]]:
        """A connection of a user that may everything."""
        return pymongo.MongoClient(
            self.uri, username=ADMIN, password=ADMIN_PASSWORD, tls=True, tlsCAFile=str(self.authority.file)
        )


class GuardedSql(SqlServer):
    """A SQL server that has TLS with a certificate of ours, and asks clients for theirs where a user must show one."""

    def __init__(self, store: cache.Cache, folder: Path, authority: Authority, pair: Pair) -> None:
        super().__init__(store, folder)
        self.authority, self.pair = authority, pair

    def _command(self) -> Sequence[str]:
        files = (f"ca={self.authority.file}", f"cert={self.pair.certificate}", f"key={self.pair.key}")
        return [*super()._command(), *(f"--ssl-{file}" for file in files)]


class GuardedMariaDb(GuardedSql, MariaDb):
    """MariaDB with TLS."""


class GuardedMySql(GuardedSql, MySql):
    """MySQL with TLS."""
