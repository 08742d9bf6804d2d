"""
What `syncsvc init` proposes: mapping files along the foreign keys of a catalog.

Pure: a `catalog.Catalog` goes in, YAML text comes out.  `roots` decides what is a document and what a junction,
`tree` walks the foreign keys by `rules` and `naming`, `types` says how a column is declared, `text` writes the file.
"""

from syncsvc.source.proposal.design import Caution, Proposal
from syncsvc.source.proposal.roots import roots
from syncsvc.source.proposal.text import written
from syncsvc.source.proposal.tree import Wishes, propose, size

__all__ = ["Caution", "Proposal", "Wishes", "propose", "roots", "size", "written"]
