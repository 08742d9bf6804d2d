"""
Do the documents equal the SQL join?  Asked of both databases directly, without a line of the road between them.

`compare` is what the command, the demo and the tests call; `oracle` joins in SQL and Python, `values` knows what a
column shows, `difference` finds the first place where two documents part.
"""

from syncsvc.verify.compare import compare
from syncsvc.verify.report import Difference, Report

__all__ = ["Difference", "Report", "compare"]
