"""
The tables of the example: meetings with their applications and users, posts with their authors.

The same on MariaDB and MySQL, and as `pipelines/*.yaml` declare them.  There are no foreign keys: what the database
deletes by a cascade is not in its binlog.
"""

from __future__ import annotations

import contextlib

from syncsvc.devstack import dsn

DATABASE = "meetup"

#: `{table: CREATE TABLE}`, in the order of creation.
TABLES = {
    "user": """
CREATE TABLE IF NOT EXISTS user (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name varchar(100) NOT NULL,
  email varchar(200) NOT NULL,
  city varchar(100) NOT NULL
)""",
    "meeting": """
CREATE TABLE IF NOT EXISTS meeting (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  title varchar(200) NOT NULL,
  place varchar(100) NOT NULL,
  capacity int NOT NULL,
  status varchar(20) NOT NULL,
  starts_at datetime(3) NOT NULL
)""",
    "meeting_application": """
CREATE TABLE IF NOT EXISTS meeting_application (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  meeting_id int unsigned NOT NULL,
  user_id int unsigned NULL,
  status varchar(20) NOT NULL,
  memo varchar(500) NULL,
  applied_at datetime(3) NOT NULL,
  KEY by_meeting (meeting_id),
  KEY by_user (user_id)
)""",
    "author": """
CREATE TABLE IF NOT EXISTS author (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name varchar(100) NOT NULL,
  bio varchar(500) NULL
)""",
    "post": """
CREATE TABLE IF NOT EXISTS post (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  author_id int unsigned NULL,
  title varchar(200) NOT NULL,
  body text NOT NULL,
  created_at datetime(3) NOT NULL,
  KEY by_author (author_id)
)""",
}


def create(admin_dsn: str) -> None:
    """Create the database and its tables where they are missing; `admin_dsn` is of a user who may."""
    with contextlib.closing(dsn.connect(dsn.without_database(admin_dsn))) as connection, connection.cursor() as cursor:
        # Byte order, as the documents have it: with a language's collation 'é' and 'e' could be one key.
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        cursor.execute(f"USE {DATABASE}")
        for statement in TABLES.values():
            cursor.execute(statement)
