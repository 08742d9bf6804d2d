"""One text for each type, and which types may be joined."""

from __future__ import annotations

import pytest

from syncsvc.changes import columns
from syncsvc.mapping import column_types


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        pytest.param("INT", "int", id="case"),
        pytest.param("int(10) unsigned", "int unsigned", id="display width, as MariaDB prints it"),
        pytest.param("bigint(20) unsigned zerofill", "bigint unsigned", id="zerofill"),
        pytest.param("int unsigned zerofill null", "int unsigned null", id="null stays"),
        pytest.param("varchar(20) NOT NULL", "varchar(20)", id="not null is the default"),
        pytest.param("tinyint(1)", "tinyint(1)", id="a boolean keeps its width"),
        pytest.param("tinyint(4)", "tinyint", id="a small number does not"),
        pytest.param("boolean", "tinyint(1)", id="boolean"),
        pytest.param("tinyint(1) unsigned", "tinyint unsigned", id="an unsigned one is no boolean"),
        pytest.param("numeric(12 , 2)", "decimal(12,2)", id="synonym and blanks"),
        pytest.param("dec", "decimal(10,0)", id="decimal without digits"),
        pytest.param("decimal(5)", "decimal(5,0)", id="decimal without fraction"),
        pytest.param("double  precision", "double", id="two words"),
        pytest.param("datetime(0)", "datetime", id="no fraction of seconds"),
        pytest.param("datetime(3) /* mariadb-5.3 */", "datetime(3)", id="a server's comment"),
        pytest.param("char", "char(1)", id="one character"),
        pytest.param("year(4)", "year", id="year"),
        pytest.param("DATETIME(3) in Europe/Berlin NULL as micros", "datetime(3) in europe/berlin null as micros",
                     id="where the clock hung"),
        pytest.param("datetime null in Etc/GMT+5", "datetime in etc/gmt+5 null", id="zone behind null"),
        pytest.param("serial", "bigint unsigned", id="serial"),
        pytest.param("ENUM('A', 'b)c''D')", "enum('A','b)c''D')", id="values of an enum keep their case"),
        pytest.param("varchar(9) character set utf8mb4 collate utf8mb4_bin", "varchar(9) collate utf8mb4_bin",
                     id="a character set says nothing, a collation says which texts are one key"),
        pytest.param("TEXT null COLLATE utf8mb4_0900_ai_ci", "text collate utf8mb4_0900_ai_ci null", id="collation"),
        pytest.param("enum('a') collate utf8mb4_bin", "enum('a')", id="collation of what is no key's text"),
        pytest.param("BIGINT UNSIGNED AS DECIMAL NULL", "bigint unsigned null as decimal",
                 id="the form it is carried in"),
    ],
)
def test_a_type_has_one_canonical_text(written: str, canonical: str) -> None:
    """However a person or a server writes it; the canonical text stands for itself."""
    assert column_types.canonical(written) == canonical
    assert column_types.canonical(canonical) == canonical


@pytest.mark.parametrize(
    "text", ["", "itn", "int int", "varchar(x)", "decimal(12", "int)", "datetime(3) default 1", "(3)", "int in utc"]
)
def test_what_is_no_type_is_refused(text: str) -> None:
    """With a reason, never taken for something near."""
    with pytest.raises(ValueError, match=r"type|form|numbers"):
        column_types.canonical(text)


@pytest.mark.parametrize(
    "canonical",
    ["int unsigned null", "decimal(12,2)", "datetime(6) null as micros", "enum('a null','B')", "tinyint(1)"],
)
def test_canonical_types_are_understood_where_values_are_converted(canonical: str) -> None:
    """What this package hands on, `changes` can read."""
    assert columns.refusal(canonical) is None


def test_null_is_part_of_the_type_and_not_of_a_value_of_an_enum() -> None:
    """Only the word behind the type counts."""
    assert column_types.nullable("datetime(6) null as micros")
    assert not column_types.nullable("enum('a null')")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("bigint unsigned null", "whole"),
        ("bigint unsigned as decimal", "decimal"),
        ("tinyint(1)", "flag"),
        ("tinyint(1) as int", "whole"),
        ("bit(1)", "flag"),
        ("bit(8)", "whole"),
        ("bit(8) as bytes", "bytes"),
        ("decimal(12,2) null", "decimal"),
        ("decimal(60,2) as text", "text"),
        ("double", "float"),
        ("enum('a','b')", "text"),
        ("date", "date"),
        ("datetime(6) in europe/berlin null as micros", "whole"),
        ("datetime(6) as date", "date"),
        ("time", "time"),
        ("set('a','b')", "list"),
        ("varbinary(16)", "bytes"),
        ("binary(16) as uuid", "other"),
        ("json", "other"),
    ],
)
def test_a_type_says_what_its_values_are_once_they_are_carried(text: str, kind: str) -> None:
    """What expressions may do with them, and whether they can be keys of an object."""
    assert column_types.value_kind(text) == kind


def test_values_of_an_enum_are_read_from_its_type() -> None:
    """With quotes and commas in them."""
    assert column_types.members("enum('a','it''s','b,c') null") == ("a", "it's", "b,c")
    assert column_types.members("varchar(20)") == ()


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        pytest.param("int unsigned", "bigint null", True, id="integers of any width"),
        pytest.param("char(20)", "varchar(50) null", True, id="texts of any length"),
        pytest.param("int", "varchar(11)", False, id="integer and text"),
        pytest.param("char(2) collate x", "varchar(9) collate x null", True, id="texts that compare alike"),
        pytest.param("char(2) collate x", "char(2)", False, id="texts of two collations"),
        pytest.param("decimal(12,2)", "decimal(12,2) null", True, id="the same decimal"),
        pytest.param("decimal(12,2)", "decimal(12,3)", False, id="another scale writes equal numbers in another way"),
        pytest.param("decimal(5,0)", "int", False, id="decimal and integer"),
        pytest.param("datetime(3)", "datetime(3)", True, id="the same time"),
        pytest.param("datetime(3)", "datetime(6) as micros", False, id="another fraction of seconds"),
        pytest.param("tinyint(1)", "int", False, id="boolean and integer"),
        pytest.param("tinyint(1) as int", "int", True, id="a boolean carried as a number"),
        pytest.param("bigint unsigned as decimal", "bigint unsigned", False, id="two forms of one type"),
        pytest.param("double", "double", False, id="floating point"),
        pytest.param("json", "json", False, id="documents"),
        pytest.param("binary(16)", "binary(16)", True, id="fixed bytes"),
    ],
)
def test_types_are_joined_when_equal_values_have_equal_keys(one: str, other: str, joined: bool) -> None:
    """Whatever SQL would convert, rows meet by the bytes of their keys."""
    family = column_types.join_family(one)

    assert (family is not None and family == column_types.join_family(other)) is joined
