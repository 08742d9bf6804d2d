"""
The changes that the demo makes by hand, and how the documents must look after each.

Every scene is a few statements in one transaction.  Its wanted documents are written down from what the statement
means, not worked out by the service.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from syncsvc.demo.watcher import Document, Wanted
from syncsvc.source import connection

#: `{id of an application: id of its user}`.
Applications = Mapping[int, int | None]

#: The user who applies everywhere; one of the scenes renames them.
REGULAR = 1
_APPLY = "INSERT INTO meeting_application (id, meeting_id, user_id, status, memo, applied_at) VALUES %s"
_MEET = "INSERT INTO meeting (id, title, place, capacity, status, starts_at) VALUES %s"


@dataclass(frozen=True, slots=True)
class Scene:
    """One transaction and what it does."""

    #: One or two words: the kind of change.
    kind: str
    #: One line for people.
    story: str
    statement: str
    arguments: tuple[Any, ...]
    #: `{_id: how it must look afterwards}`.
    wanted: Mapping[int, Wanted]
    #: The documents to show, one or two of them.
    shown: tuple[int, ...]


class Source:
    """The meetup as the scenes see it: small questions to the database."""

    def __init__(self, opened: connection.Connection) -> None:
        self._connection = opened

    def rows(self, query: str, *arguments: Any) -> tuple[tuple[Any, ...], ...]:
        """All rows of a query."""
        with self._connection.cursor() as cursor:
            cursor.execute(query, arguments)
            return tuple(cursor.fetchall())

    def quiet_meetings(self, count: int) -> list[int]:
        """Meetings with few applications, two or three where there are such: their documents fit on a line."""
        found = self.rows(
            "SELECT meeting_id FROM meeting_application GROUP BY meeting_id "
            "ORDER BY ABS(COUNT(*) - 2), meeting_id LIMIT %s",
            count,
        )
        return [meeting for (meeting,) in found]

    def applications(self, meeting: int) -> Applications:
        """The applications of a meeting, the newest last."""
        return dict(self.rows("SELECT id, user_id FROM meeting_application WHERE meeting_id = %s ORDER BY id", meeting))


def all_of_them(source: Source) -> Iterator[Scene]:
    """The scenes, each made when the one before has been played."""
    meetings = source.quiet_meetings(6)
    yield _insert(source, meetings[0])
    yield _update(source, meetings[1])
    yield _delete(source, meetings[2])
    yield _move(source, meetings[3], meetings[4])
    yield _rename(source)
    yield from _delete_and_create_again(source, meetings[5])


def _insert(source: Source, meeting: int) -> Scene:
    user, name = source.rows("SELECT id, name FROM user ORDER BY id LIMIT 1 OFFSET 6")[0]
    ((last,),) = source.rows("SELECT MAX(id) FROM meeting_application")
    application = last + 1
    row = (application, meeting, user, "applied", None, _now())
    return Scene(
        kind="insert",
        story=f"{name} applies for meeting {meeting}",
        statement=_APPLY,
        arguments=(row,),
        wanted={meeting: _with({application: user})},
        shown=(meeting,),
    )


def _update(source: Source, meeting: int) -> Scene:
    place = "Rooftop garden"
    return Scene(
        kind="update",
        story=f"meeting {meeting} takes place somewhere else",
        statement="UPDATE meeting SET place = %s WHERE id = %s",
        arguments=(place, meeting),
        wanted={meeting: lambda document: document is not None and document["place"] == place},
        shown=(meeting,),
    )


def _delete(source: Source, meeting: int) -> Scene:
    application = list(source.applications(meeting))[-1]
    return Scene(
        kind="delete",
        story=f"an application for meeting {meeting} is taken back",
        statement="DELETE FROM meeting_application WHERE id = %s",
        arguments=(application,),
        wanted={meeting: _without(application)},
        shown=(meeting,),
    )


def _move(source: Source, old: int, new: int) -> Scene:
    application, user = list(source.applications(old).items())[-1]
    return Scene(
        kind="move",
        story=f"an application moves from meeting {old} to meeting {new}",
        statement="UPDATE meeting_application SET meeting_id = %s WHERE id = %s",
        arguments=(new, application),
        wanted={old: _without(application), new: _with({application: user})},
        shown=(old, new),
    )


def _rename(source: Source) -> Scene:
    ((old,),) = source.rows("SELECT name FROM user WHERE id = %s", REGULAR)
    new = f"{old.split()[0]} Nováková"
    # The shortest document first: it is the one shown.
    found = source.rows(
        "SELECT meeting_id FROM meeting_application WHERE meeting_id IN "
        "(SELECT meeting_id FROM meeting_application WHERE user_id = %s) "
        "GROUP BY meeting_id ORDER BY COUNT(*), meeting_id",
        REGULAR,
    )
    meetings = [meeting for (meeting,) in found]
    return Scene(
        kind="rename",
        story=f"{old} takes another name, and appears in {len(meetings)} meetings",
        statement="UPDATE user SET name = %s WHERE id = %s",
        arguments=(new, REGULAR),
        wanted=dict.fromkeys(meetings, _all_named(new)),
        shown=(meetings[0],),
    )


def _delete_and_create_again(source: Source, meeting: int) -> Iterator[Scene]:
    (row,) = source.rows("SELECT id, title, place, capacity, status, starts_at FROM meeting WHERE id = %s", meeting)
    applications = source.applications(meeting)
    yield Scene(
        kind="delete",
        story=f"meeting {meeting} is deleted; the rows of its applications stay",
        statement="DELETE FROM meeting WHERE id = %s",
        arguments=(meeting,),
        wanted={meeting: lambda document: document is None},
        shown=(meeting,),
    )
    yield Scene(
        kind="create again",
        story=f"meeting {meeting} is back, and finds its applications",
        statement=_MEET,
        arguments=(row,),
        wanted={meeting: _with(applications)},
        shown=(meeting,),
    )


def _applications(document: Document) -> Applications:
    return {found["id"]: (found["user"] or {}).get("id") for found in document["applications"]}


def _with(applications: Applications) -> Wanted:
    """Has these applications, each with its user."""
    return lambda document: document is not None and applications.items() <= _applications(document).items()


def _without(application: int) -> Wanted:
    return lambda document: document is not None and application not in _applications(document)


def _all_named(name: str) -> Wanted:
    def named(document: Document | None) -> bool:
        users = [application["user"] for application in document["applications"]] if document else []
        return {user["name"] for user in users if user and user["id"] == REGULAR} == {name}

    return named


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
