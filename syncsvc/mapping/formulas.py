"""
Whether expressions use what is there: conditions over columns, computed values over what stands in their level.

Part of `check`.  What an expression may do with a value is known by `syncsvc.expressions`; which names it may use is
known here.  A problem points at the character where it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from syncsvc.expressions import Expression
from syncsvc.expressions.check import check, expression_type
from syncsvc.expressions.types import ANY, FLAG, NULL, ListOf, MapOf, described
from syncsvc.mapping import scopes
from syncsvc.mapping.declared import Level
from syncsvc.mapping.findings import Findings, Path, suggestion
from syncsvc.mapping.levels import above, resolved
from syncsvc.mapping.model import Table

_TEXT_OR_NAME = re.compile(r"'(?:[^']|'')*'|`(?P<quoted>(?:[^`]|``)*)`|(?P<name>[^\W\d]\w*)")
#: A condition that is null for some rows is not true for them; JSON may hold anything.
_MAY_BE_TRUE = (FLAG, ANY, NULL)


def check_condition(expression: Expression | None, table: Table | None, path: Path, findings: Findings) -> None:
    """A `where` or `when` over the columns of `table`."""
    if expression is None or table is None or not table.columns:
        return
    scope = scopes.of_table(table)
    if _tell(expression, scope, path, findings):
        return
    found = expression_type(expression, scope)
    if found not in _MAY_BE_TRUE:
        what = f"{path[-1]} must be true or false, and this is {described(found)}"
        findings.add(findings.places.of_value(path), "mapping.no_condition", what, "compare it with something")


def check_computed(level: Level, tables: Mapping[str, Table], findings: Findings) -> None:
    """Every computed value of one level, each over what stands above it."""
    table = tables.get(level.table)
    if table is None or not table.columns:
        return
    scope = scopes.of_contents(level, tables)
    for number, computed in enumerate(level.computed):
        path = (*level.path_of("computed"), computed.name)
        if (*path, "count") in findings.places.keys:
            _check_count(level, number, scope, (*path, "count"), findings)
        elif not _find_out_of_reach(level, number, table, path, findings):
            _tell(computed.expression, scopes.reach(level, number, scope, tables), path, findings)
        scope.setdefault(computed.name, scopes.of_computed(level, number, scope, tables))


def _check_count(level: Level, number: int, scope: scopes.Scope, path: Path, findings: Findings) -> None:
    """The short form names a relation; what else is a list (a SET) is for an expression."""
    name, names = level.computed[number].expression.counted or "", above(level, number)
    relations = [found for found, item in names.items() if item.kind == "relation"]
    lists = [found for found in relations if isinstance(scope[found], ListOf | MapOf)]
    if not name or name in lists:
        return
    where = "at the root of the document" if level.is_root else "of an element"
    what = f'"{name}" is {"one value, not a list" if name in names else f"no list {where}"}'
    fix = suggestion(name, lists, "declare a list:  embed: {name: {many: …}}")
    findings.add(findings.places.of_value(path), "mapping.unknown_list", what, fix)


def _find_out_of_reach(level: Level, number: int, table: Table, path: Path, findings: Findings) -> bool:
    """Whether there are names that exist, but not for this value: computed below it, or columns that nothing shows."""
    if resolved(level, number, table).of_row:
        return False
    computed, names, found = level.computed[number], above(level, number), False
    below = {value.name for value in level.computed[number:]}
    for name in sorted(computed.expression.names - set(names)):
        if name in table.columns:
            what = f'"{name}" is a column of "{table.name}", but this value is made from what is shown'
            fix = f"show it as a field:  fields: [{name}]"
        elif name == computed.name:
            what, fix = f'"{name}" is made from itself', "use other names, or give it another one"
        elif name in below:
            what, fix = f'"{name}" is computed below "{computed.name}"', f'write "{name}" above it'
        else:
            continue
        at = _position(name, findings.places.texts.get(path, ""))
        findings.add(findings.places.of_letter(path, at), "mapping.unknown_name", what, fix)
        found = True
    return found


def _position(name: str, text: str) -> int:
    """Index of the first use of a name."""
    for match in _TEXT_OR_NAME.finditer(text):
        if name in (match["name"], (match["quoted"] or "").replace("``", "`")):
            return match.start()
    return 0


def _tell(expression: Expression, scope: scopes.Scope, path: Path, findings: Findings) -> bool:
    """Whether something is wrong with it; reports that."""
    problems = check(expression, scope)
    for what, fix, at in problems:
        findings.add(findings.places.of_letter(path, at), "mapping.bad_expression", what, fix)
    return bool(problems)
