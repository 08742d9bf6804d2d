"""
Connecting to MongoDB: one client, majority everywhere, and a refusal where transactions are impossible.

Refuses a server that is not a replica set or a mongos, with the command that makes it one; never shows a password.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymongo
from pymongo import errors
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from syncsvc.errors import SyncError, Unreachable, UsageFault

Document = dict[str, Any]

MAJORITY = WriteConcern("majority")

#: How long an operation looks for a primary, in seconds: an election takes 2 to 12 s (electionTimeoutMillis = 10 s).
SELECTION_SECONDS = 15.0

#: How often the driver asks each server for its role, in ms.  A primary that only stumbled (an answer like "going
#: down" that it took back) stays unused until it is asked again: 1 s instead of the driver's 10.
HEARTBEAT_MS = 1000

#: Server error codes of an authentication or authorisation that was refused.
_REFUSED_CODES = {13, 18, 8000}


@dataclass(frozen=True, slots=True)
class Mongo:
    """An open connection to one database."""

    client: pymongo.MongoClient[Document]
    #: Reads majority-committed data, writes with majority.
    database: Database[Document]
    #: `host:port[,host:port]/database`, for messages; no credentials.
    where: str

    def close(self) -> None:
        """Close all sockets."""
        self.client.close()


@dataclass(frozen=True, slots=True)
class Access:
    """How to get in, beside the URI: paths of mounted secrets, each optional."""

    tls_ca_file: Path | None = None
    #: Client certificate and its key in one PEM file.
    tls_certificate_key_file: Path | None = None
    #: Files that hold the user name and the password; read once, a last line end is dropped.
    username_file: Path | None = None
    password_file: Path | None = None

    def options(self) -> Document:
        """Arguments for `MongoClient`; raises OSError for a file that cannot be read."""
        options: Document = {}
        if self.tls_ca_file or self.tls_certificate_key_file:
            options["tls"] = True
        if self.tls_ca_file:
            options["tlsCAFile"] = str(self.tls_ca_file)
        if self.tls_certificate_key_file:
            options["tlsCertificateKeyFile"] = str(self.tls_certificate_key_file)
        if self.username_file and self.password_file:
            options["username"] = self.username_file.read_text().rstrip("\r\n")
            options["password"] = self.password_file.read_text().rstrip("\r\n")
        return options


NO_ACCESS = Access()


def connect(
    uri: str,
    database: str,
    *,
    access: Access = NO_ACCESS,
    patience_seconds: float = 5.0,
    listeners: Sequence[Any] = (),
) -> Mongo:
    """
    Open the client and make sure that transactions will work; `listeners` are told what the driver does.

    Raises:
        UsageFault: `mongo.bad_uri`, `mongo.bad_access` (a secret's file).
        Unreachable: `mongo.unreachable` after `patience_seconds`, `mongo.refused` (credentials),
            `mongo.not_initiated`, `mongo.no_transactions`.
    """
    where = _address(uri, database)
    try:
        client: pymongo.MongoClient[Document] = pymongo.MongoClient(
            uri,
            appname="syncsvc",
            retryWrites=True,
            heartbeatFrequencyMS=HEARTBEAT_MS,
            serverSelectionTimeoutMS=int(SELECTION_SECONDS * 1000),
            event_listeners=listeners,
            **access.options(),
        )
    except (errors.ConfigurationError, errors.InvalidURI, ValueError) as error:
        raise UsageFault(
            code="mongo.bad_uri", where="SYNCSVC_MONGO_URI", what=str(error), fix="mongodb://[user:password@]host[:port]/"
        ) from None
    except OSError as error:
        raise UsageFault(
            code="mongo.bad_access",
            where=str(error.filename or "TLS files"),
            what=f"the file cannot be used: {error.strerror or type(error).__name__}",
            fix="mount the secret there, readable for this user",
        ) from None
    try:
        with pymongo.timeout(patience_seconds):
            hello = client.admin.command("hello")
            # A cheap read that needs the rights we need: `hello` is answered without a login.
            client[database]["syncsvc_fences"].find_one({"_id": "syncsvc"})
    except errors.PyMongoError as error:
        problem = _diagnose(error, client, where)
        client.close()
        raise problem from None
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        client.close()
        raise _standalone(where)
    majority = client.get_database(database, write_concern=MAJORITY, read_concern=ReadConcern("majority"))
    return Mongo(client, majority, where)


def _address(uri: str, database: str) -> str:
    if uri.startswith("mongodb+srv://"):
        return f"{uri.removeprefix('mongodb+srv://').rpartition('@')[2].partition('/')[0]}/{database}"
    try:
        hosts = [f"{host}:{port}" if port else str(host) for host, port in parse_uri(uri)["nodelist"]]
    except (errors.PyMongoError, ValueError):
        return "SYNCSVC_MONGO_URI"
    return f"{','.join(hosts)}/{database}"


def _diagnose(error: errors.PyMongoError, client: pymongo.MongoClient[Document], where: str) -> SyncError:
    if isinstance(error, errors.OperationFailure) and error.code in _REFUSED_CODES:
        return Unreachable(
            code="mongo.refused",
            where=where,
            what=f"the server refuses the login or its rights (code {error.code})",
            fix="check user, password and authSource in SYNCSVC_MONGO_URI; the user needs readWrite on the database",
        )
    servers = client.topology_description.server_descriptions().values()
    if any(server.server_type_name == "RSGhost" for server in servers):
        return Unreachable(
            code="mongo.not_initiated",
            where=where,
            what="the server was started as member of a replica set, but the set was never initiated",
            fix="mongosh --eval 'rs.initiate()'  (once, on one member)",
        )
    seen = "; ".join(sorted({type(server.error).__name__ for server in servers if server.error}))
    return Unreachable(
        code="mongo.unreachable",
        where=where,
        what=f"no primary answers ({seen or type(error).__name__})",
        fix="start it, or set SYNCSVC_MONGO_URI; with TLS check tlsCAFile and the host name in the certificate",
    )


def _standalone(where: str) -> Unreachable:
    return Unreachable(
        code="mongo.no_transactions",
        where=where,
        what="this is a standalone server: it has no transactions, and syncsvc writes nothing without them",
        fix="restart it with  mongod --replSet rs0 --dbpath <same as now>  and once  mongosh --eval 'rs.initiate()'"
        "  (one node is enough; the data stays)",
    )
