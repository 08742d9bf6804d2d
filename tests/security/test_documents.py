"""What docs/security.md names is there: settings, codes of errors, rights."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import fields
from pathlib import Path

from syncsvc.settings import PREFIX, Settings
from syncsvc.wiring.credentials import WATCHED

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "security"
PAGE = (ROOT / "docs" / "security.md").read_text()
CODE = "\n".join(path.read_text() for path in (ROOT / "syncsvc").rglob("*.py"))


def test_settings_and_codes_that_the_page_names_exist() -> None:
    """A misspelt setting would be passed over in silence."""
    known = {PREFIX + one.name.upper() for one in fields(Settings)}
    codes = set(re.findall(r"`((?:tls|kafka|mongo|source)\.[a-z_]+)`", PAGE))

    assert set(re.findall(r"SYNCSVC_[A-Z_]+", PAGE)) <= known
    assert len(codes) > 10
    assert [code for code in codes if f'"{code}"' not in CODE] == []


def test_every_code_of_a_refused_handshake_is_on_the_page() -> None:
    """With what it means."""
    codes = set(re.findall(r'"(tls\.[a-z_]+)"', (ROOT / "syncsvc" / "tls.py").read_text()))

    assert [code for code in codes if f"`{code}`" not in PAGE] == []


def test_the_role_on_the_page_is_the_one_in_the_file() -> None:
    """Each action is named, and no other."""
    (privilege,) = json.loads((DEPLOY / "mongodb-role.json").read_text())["privileges"]
    (shown,) = re.findall(r"It holds (.*?) on the collections", PAGE, re.DOTALL)

    assert set(re.findall(r"`(\w+)`", shown)) == set(privilege["actions"])


def test_every_secret_file_is_watched_or_read_again() -> None:
    """A new one must be put on one side: the worker leaves, or the next connection uses it."""
    files = {one.name for one in fields(Settings) if one.name.endswith("_file")}
    read_again = {name for name in files if name.startswith(("source_", "schema_registry_", "connector_"))}
    read_again |= {"kafka_ca_file", "kafka_certificate_file", "kafka_key_file", "http_token_file"}

    assert files == read_again | set(WATCHED)
    assert not read_again & set(WATCHED)


def test_the_script_of_acls_is_a_script() -> None:
    """In the shell of every system; a wrong word is refused before anything is added."""
    script = str(DEPLOY / "kafka-acls.sh")
    subprocess.run(["sh", "-n", script], check=True)
    wrong = subprocess.run(["sh", script, "wroker", "User:x", "p", "t"], capture_output=True, text=True, check=False)

    assert wrong.returncode == 2
    assert "wroker" in wrong.stderr
