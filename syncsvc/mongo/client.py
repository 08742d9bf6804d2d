"""
Connecting to MongoDB: one client, majority everywhere, and a refusal where transactions are impossible.

Refuses a server that is not a replica set or a mongos, with the command that makes it one; never shows a password.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pymongo
from pymongo import ReadPreference, errors
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from syncsvc import tls
from syncsvc.errors import SyncError, Unreachable, UsageFault
from syncsvc.mongo import verdict

Document = dict[str, Any]

MAJORITY = WriteConcern("majority")

#: How long an operation looks for a primary, in seconds: an election takes 2 to 12 s (electionTimeoutMillis = 10 s).
SELECTION_SECONDS = 15.0

#: How often the driver asks each server for its role, in ms.  A primary that only stumbled (an answer like "going
#: down" that it took back) stays unused until it is asked again: 1 s instead of the driver's 10.
HEARTBEAT_MS = 1000

#: Server error codes of a login that was refused.
_REFUSED_CODES = {18, 8000}


@dataclass(frozen=True, slots=True)
class Mongo:
    """An open connection to one database."""

    client: pymongo.MongoClient[Document]
    #: Reads majority-committed data of the primary, writes with majority.
    database: Database[Document]
    #: `host:port[,host:port]/database`, for messages; no credentials.
    where: str

    def close(self) -> None:
        """Close all sockets."""
        self.client.close()


@dataclass(frozen=True, slots=True)
class Access:
    """How to get in, beside the URI; each part is optional."""

    files: tls.Files = tls.NONE
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @contextlib.contextmanager
    def options(self) -> Iterator[Document]:
        """
        Arguments for `MongoClient`, valid while it is made.

        Raises:
            UsageFault: `tls.bad_file`.
        """
        options: Document = {}
        login = {"username": self.username, "password": self.password}
        options |= {name: text for name, text in login.items() if text is not None}
        with contextlib.ExitStack() as stack:
            if self.files.named:
                self.files.context()  # refuses a file by its name; the driver does not
                options["tls"] = True
            if self.files.ca is not None:
                options["tlsCAFile"] = str(self.files.ca)
            if self.files.certificate is not None:
                options["tlsCertificateKeyFile"] = stack.enter_context(_one_file(self.files))
            yield options


@contextlib.contextmanager
def _one_file(files: tls.Files) -> Iterator[str]:
    """The driver wants certificate and key in one file; Kubernetes mounts two."""
    assert files.certificate is not None
    if files.key is None:
        yield str(files.certificate)
        return
    with tempfile.NamedTemporaryFile(prefix="syncsvc-") as both:  # of this user alone; gone when the driver has read it
        both.write(files.certificate.read_bytes() + b"\n" + files.key.read_bytes())
        both.flush()
        yield both.name


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
        UsageFault: `mongo.bad_uri`, `mongo.bad_access` (a secret's file), `tls.bad_file`.
        Unreachable: `mongo.unreachable` after `patience_seconds`, `mongo.refused` (credentials), `mongo.forbidden` (a
            right is missing), `mongo.not_initiated`, `mongo.no_transactions`, and those of `tls.refusal`.
    """
    where = _address(uri, database)
    try:
        with access.options() as options:
            client: pymongo.MongoClient[Document] = pymongo.MongoClient(
                uri,
                appname="syncsvc",
                retryWrites=True,
                heartbeatFrequencyMS=HEARTBEAT_MS,
                serverSelectionTimeoutMS=int(SELECTION_SECONDS * 1000),
                event_listeners=listeners,
                **options,
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
            opened = client.get_database(database, read_preference=ReadPreference.PRIMARY)
            opened["syncsvc_fences"].find_one({"_id": "syncsvc"})
    except errors.PyMongoError as error:
        problem = _diagnose(error, client, where, access)
        client.close()
        raise problem from None
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        client.close()
        raise _standalone(where)
    # Not what the URI prefers: a secondary may not have yet what a fence says is durable.
    majority = opened.with_options(write_concern=MAJORITY, read_concern=ReadConcern("majority"))
    return Mongo(client, majority, where)


def _address(uri: str, database: str) -> str:
    if uri.startswith("mongodb+srv://"):
        return f"{uri.removeprefix('mongodb+srv://').rpartition('@')[2].partition('/')[0]}/{database}"
    try:
        hosts = [f"{host}:{port}" if port else str(host) for host, port in parse_uri(uri)["nodelist"]]
    except (errors.PyMongoError, ValueError):
        return "SYNCSVC_MONGO_URI"
    return f"{','.join(hosts)}/{database}"


def _diagnose(
    error: errors.PyMongoError, client: pymongo.MongoClient[Document], where: str, access: Access
) -> SyncError:
    if isinstance(error, errors.OperationFailure) and error.code == verdict.UNAUTHORIZED:
        return verdict.forbidden(where)
    if isinstance(error, errors.OperationFailure) and error.code in _REFUSED_CODES:
        return Unreachable(
            code="mongo.refused",
            where=where,
            what=f"the server refuses the login (code {error.code})",
            fix="check user, password and authSource in SYNCSVC_MONGO_URI and the settings beside it; with "
            "MONGODB-X509 the user in $external is named by the whole subject of the certificate",
        )
    if access.files.named and (refused := _no_tls(client, access)) is not None:
        return refused
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
        fix="start it, or set SYNCSVC_MONGO_URI; where it takes TLS only, set SYNCSVC_MONGO_CA_FILE",
    )


def _no_tls(client: pymongo.MongoClient[Document], access: Access) -> Unreachable | None:
    """Why TLS fails with one of the servers; the driver only says that it has no connection."""
    for host, port in client.topology_description.server_descriptions():
        refused = tls.probe(host, port or 27017, access.files.context())
        if refused is not None:
            return refused
    return None


def _standalone(where: str) -> Unreachable:
    return Unreachable(
        code="mongo.no_transactions",
        where=where,
        what="this is a standalone server: it has no transactions, and syncsvc writes nothing without them",
        fix="restart it with  mongod --replSet rs0 --dbpath <same as now>  and once  mongosh --eval 'rs.initiate()'"
        "  (one node is enough; the data stays)",
    )
