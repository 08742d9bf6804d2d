"""
What a value in the code says, as far as it can be read without running it: constants, f-strings, names, both sides of
an `if`.  What is only known at run time becomes `«name»` or `…`.
"""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNKNOWN = "…"
_DEEPEST = 4  # names of names
_MOST = 6  # wordings of one value


@dataclass(frozen=True)
class Module:
    """One file of the package, with the way from every node up."""

    path: Path
    tree: ast.Module
    parents: dict[ast.AST, ast.AST]
    #: Constants of all modules: `{(module's last name, constant): value}`.
    constants: dict[tuple[str, str], ast.expr]

    def function_of(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function a node stands in."""
        above = self.parents.get(node)
        while above is not None and not isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
            above = self.parents.get(above)
        return above

    def wordings(self, node: ast.expr | None, depth: int = 0) -> list[str]:
        """Everything the value may say, in the order of the code; [] for no value."""
        if node is None:
            return []
        return list(dict.fromkeys(itertools.islice(self._wordings(node, depth), _MOST)))

    def _wordings(self, node: ast.expr, depth: int) -> Iterator[str]:
        match node:
            case ast.Constant(value=value):
                yield f"{value:g}" if isinstance(value, float) else str(value)
            case ast.JoinedStr(values=values):
                yield from map("".join, itertools.product(*(self.wordings(part, depth) for part in values)))
            case ast.FormattedValue(value=value):
                yield from self._placed(value, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield from map("".join, itertools.product(self.wordings(left, depth), self.wordings(right, depth)))
            case ast.IfExp(body=body, orelse=other):
                yield from self.wordings(body, depth)
                yield from self.wordings(other, depth)
            case ast.BoolOp(values=values):
                for part in values:
                    yield from self.wordings(part, depth)
            case ast.Name() | ast.Attribute():
                yield from self._named(node, depth)
            case ast.Call(func=ast.Name(id="suggestion")):
                yield f"did you mean “{UNKNOWN}”? or the list of what is known"
            case ast.Call(func=ast.Name(id=name)) if depth < _DEEPEST:
                yield from self._returned(name, depth)
            case _:
                yield UNKNOWN

    def _placed(self, node: ast.expr, depth: int) -> Iterator[str]:
        """A value inside an f-string: a fixed one as it is, else its name."""
        known = self.wordings(node, depth) if isinstance(node, ast.Name | ast.Attribute | ast.IfExp) else []
        if known and UNKNOWN not in known and not any("«" in one for one in known):
            yield from known
            return
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        yield f"«{name.strip('_').replace('_', ' ')}»" if name else UNKNOWN

    def _named(self, node: ast.Name | ast.Attribute, depth: int) -> Iterator[str]:
        if depth >= _DEEPEST:
            yield UNKNOWN
            return
        name = node.id if isinstance(node, ast.Name) else node.attr
        function = self.function_of(node)
        found = self._assigned(function, name, node) if function and isinstance(node, ast.Name) else []
        if not found and (constant := self._constant(node)) is not None:
            found = [constant]
        if not found and function is not None and isinstance(node, ast.Name):
            found = self._passed(function, name)
        for value in found:
            yield from self.wordings(value, depth + 1)
        if not found:
            yield UNKNOWN

    def _assigned(self, function: ast.AST, name: str, use: ast.Name) -> list[ast.expr]:
        """What a name may hold where it is used: its last value, or that of each branch; [] where it is counted up."""
        found: list[tuple[int, ast.AST, ast.expr]] = []
        for node in ast.walk(function):
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
                return []
            if isinstance(node, ast.Assign) and node.lineno <= use.lineno:
                found += [(node.lineno, node, value) for value in _values_of(node, name)]
        above = set(self._blocks(use))
        values: list[ast.expr] = []
        for _, node, value in sorted(found, key=lambda one: one[0], reverse=True):
            values.insert(0, value)
            if next(self._blocks(node)) in above:
                break  # it is always run before the use, so nothing above it counts
        return values

    def _blocks(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        """The lists of statements a node stands in, inside out."""
        while (above := self.parents.get(node)) is not None:
            for part, value in ast.iter_fields(above):
                if isinstance(value, list) and any(one is node for one in value) and isinstance(node, ast.stmt):
                    yield id(above), part
            node = above

    def _constant(self, node: ast.Name | ast.Attribute) -> ast.expr | None:
        """The value of `NAME` or `module.NAME`, wherever that module is."""
        if isinstance(node, ast.Attribute):
            return self.constants.get((node.value.id, node.attr)) if isinstance(node.value, ast.Name) else None
        for statement in ast.walk(self.tree):
            if isinstance(statement, ast.ImportFrom) and any(one.name == node.id for one in statement.names):
                return self.constants.get(((statement.module or "").rpartition(".")[2], node.id))
        return self.constants.get((self.path.stem, node.id))

    def _passed(self, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> list[ast.expr]:
        """What the callers in this module pass for a parameter."""
        names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        keywords = [one.arg for one in function.args.kwonlyargs]
        if name not in names + keywords:
            return []
        found = []
        for call in (node for node in ast.walk(self.tree) if isinstance(node, ast.Call)):
            called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", None)
            if called != function.name:
                continue
            given = names[1:] if isinstance(call.func, ast.Attribute) and names[:1] == ["self"] else names
            found += [keyword.value for keyword in call.keywords if keyword.arg == name]
            found += [value for one, value in zip(given, call.args, strict=False) if one == name]
        return found

    def _returned(self, name: str, depth: int) -> Iterator[str]:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and inner.value is not None:
                        yield from self.wordings(inner.value, depth + 1)
                return
        yield UNKNOWN


@functools.cache
def read(folder: Path) -> list[Module]:
    """Every module of a package."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    constants = {}
    for path, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.JoinedStr):
                for target in (target for target in node.targets if isinstance(target, ast.Name)):
                    constants[path.stem, target.id] = node.value
    return [Module(path, tree, _parents(tree), constants) for path, tree in trees.items()]


def _values_of(node: ast.Assign, name: str) -> Iterator[ast.expr]:
    """What an assignment gives a name, alone or as one of several."""
    for target in node.targets:
        if isinstance(target, ast.Name) and target.id == name:
            yield node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=False)
            yield from (value for one, value in pairs if isinstance(one, ast.Name) and one.id == name)


def _parents(tree: ast.Module) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
