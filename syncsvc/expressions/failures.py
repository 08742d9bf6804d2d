"""
The two ways an expression fails: it is written wrong, or a result has no place in a document.

Leaf of the package.  A written mistake is found before anything starts and has a place in the text; a result without a
place is found on data and has none.  Neither quotes the content of a row.
"""

from __future__ import annotations


class ExpressionError(Exception):
    """The text is no expression."""

    def __init__(self, what: str, fix: str, at: int) -> None:
        super().__init__(what)
        self.what = what
        #: What to write instead; never empty.
        self.fix = fix
        #: Index of the first character that is wrong, from 0; the length of the text where something is missing.
        self.at = at


class ComputeError(Exception):
    """A row's or document's values give a result that a document cannot hold."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(f"{code}: {what}")
        #: Dotted and stable: `computed.overflow`.
        self.code = code
        self.what = what


def overflow(what: str) -> ComputeError:
    """The one failure there is on data: a number beyond what its kind can hold."""
    return ComputeError("computed.overflow", what)
