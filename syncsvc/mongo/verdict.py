"""
Whose fault an error of the server is: the world's (try again), the document's (park it), or unknown (leave).

One table for all; `mongo.committer` acts on it.  Codes: MongoDB `src/mongo/base/error_codes.yml`.
"""

from __future__ import annotations

from enum import Enum

from pymongo import errors

from syncsvc.errors import Unreachable

#: Code of an action that the user has no right to.
UNAUTHORIZED = 13
TRANSIENT = "TransientTransactionError"
UNKNOWN_COMMIT = "UnknownTransactionCommitResult"


#: What the driver raises; that a command is too large it says before it sends it, and as an error of another family.
DriverError = errors.PyMongoError | errors.DocumentTooLarge
DRIVER_ERRORS = (errors.PyMongoError, errors.DocumentTooLarge)


class Verdict(Enum):
    """Who has to act."""

    #: Network, election, conflict: the same transaction may pass later.
    AGAIN = "again"
    #: This document will be refused each time.
    DOCUMENT = "document"
    #: Nothing we know: leave the process rather than guess.
    FATAL = "fatal"


#: Codes of the world, in or outside a transaction: also those that the server gives no label that says so.
AGAIN_CODES = {
    6: "HostUnreachable",
    7: "HostNotFound",
    24: "LockTimeout",
    50: "MaxTimeMSExpired",
    64: "WriteConcernFailed",
    89: "NetworkTimeout",
    91: "ShutdownInProgress",
    112: "WriteConflict",
    133: "FailedToSatisfyReadPreference",  # a mongos whose shard has no primary
    134: "ReadConcernMajorityNotAvailableYet",
    187: "LinearizableReadConcernError",  # stepped down while it made sure of the fence that was read
    189: "PrimarySteppedDown",
    202: "NetworkInterfaceExceededTimeLimit",
    225: "TransactionTooOld",
    246: "SnapshotUnavailable",
    251: "NoSuchTransaction",
    262: "ExceededTimeLimit",
    267: "PreparedTransactionInProgress",
    290: "TransactionExceededLifetimeLimitSeconds",
    355: "InterruptedDueToStorageChange",
    365: "TemporarilyUnavailable",  # its cache is full
    388: "TransactionTooLargeForCache",  # what else is dirty in the cache decides
    402: "ResourceExhausted",
    407: "PooledConnectionAcquisitionExceededTimeLimit",  # of a mongos
    433: "AdmissionQueueOverflow",
    449: "RateLimitExceeded",
    9001: "SocketException",
    10107: "NotWritablePrimary",
    11600: "InterruptedAtShutdown",
    11601: "Interrupted",  # killSessions of a new owner hits all transactions of this session
    11602: "InterruptedDueToReplStateChange",
    13435: "NotPrimaryNoSecondaryOk",
    13436: "NotPrimaryOrSecondary",
}

#: Codes of a document that cannot be stored where it belongs.
DOCUMENT_CODES = {
    2: "BadValue",
    9: "FailedToParse",
    15: "Overflow",  # more than 180 levels
    52: "DollarPrefixedFieldName",
    53: "InvalidIdField",
    54: "NotSingleValueField",
    55: "InvalidDBRef",
    56: "EmptyFieldName",
    57: "DottedFieldName",
    66: "ImmutableField",
    121: "DocumentValidationFailure",
    171: "CannotIndexParallelArrays",
    10334: "BSONObjectTooLarge",
    11000: "DuplicateKey",
    13027: "PointOutOfBounds",  # of a 2d index
    15998: "DocumentTooDeep",
    16755: "CannotExtractGeoKeys",
    16766: "HashedIndexOverArray",
    17261: "TextLanguageNotAString",  # a text index takes the field `language` for the text's
    17262: "TextLanguageUnknown",
    17280: "KeyTooLong",
    17419: "DocumentTooLargeAfterUpdate",
    17420: "DocumentTooLargeAfterUpdate",
}


def of_code(code: int | None) -> Verdict:
    """Verdict of a code in `writeErrors` or of a command; 11000 is judged by the caller, who knows the key."""
    if code in AGAIN_CODES:
        return Verdict.AGAIN
    return Verdict.DOCUMENT if code in DOCUMENT_CODES else Verdict.FATAL


def of_error(error: DriverError) -> Verdict:
    """Verdict of what the driver raised."""
    if isinstance(error, errors.DocumentTooLarge):
        return Verdict.DOCUMENT
    if error.has_error_label(TRANSIENT) or isinstance(error, errors.ConnectionFailure):
        return Verdict.AGAIN
    if isinstance(error, errors.OperationFailure):
        return of_code(error.code)
    return Verdict.FATAL


def passes(error: BaseException) -> bool:
    """Whether the same may succeed later; for those who do not know the driver."""
    return isinstance(error, errors.PyMongoError) and of_error(error) is Verdict.AGAIN


def unknown_commit(error: errors.PyMongoError) -> bool:
    """Whether a commitTransaction that raised this may have been carried out."""
    return error.has_error_label(UNKNOWN_COMMIT) or isinstance(error, errors.ConnectionFailure)


def described(error: DriverError) -> str:
    """Type and code; never the message, which may quote a document."""
    return f"{type(error).__name__} (code {getattr(error, 'code', None)})"


def forbidden(where: str) -> Unreachable:
    """What an Unauthorized of the server becomes."""
    return Unreachable(
        code="mongo.forbidden",
        where=where,
        what=f"MongoDB refuses what was asked for: this user has no right to it (code {UNAUTHORIZED})",
        fix="give the user the role of deploy/security/mongodb-role.json; the server's log names the action it missed",
    )


def fault(error: BaseException) -> BaseException:
    """The error as it is told to a user: one of a missing right has a way out, others speak for themselves."""
    missing = isinstance(error, errors.OperationFailure) and error.code == UNAUTHORIZED
    return forbidden("MongoDB") if missing else error


def failed_by(where: str, error: DriverError) -> Unreachable:
    """What an error with a FATAL verdict becomes."""
    return forbidden(where) if getattr(error, "code", None) == UNAUTHORIZED else failed(where, described(error))


def failed(where: str, what: str) -> Unreachable:
    """What a FATAL verdict becomes."""
    return Unreachable(
        code="mongo.failed",
        where=where,
        what=f"the server answered with an error that is not known to pass by itself: {what}",
        fix="look the code up in the server's log; syncsvc goes on from the fence when restarted",
    )
