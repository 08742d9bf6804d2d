"""
What the user declares: one YAML file a pipeline, read, checked and completed into frozen values.

`load` goes document → reading → build → check → expand → meaning; `model` is what everything behind it works on;
`schema` and `reference` are the same declaration for editors and people; `live` and `delete_rules` compare what is
declared with a server.
"""

from syncsvc.mapping.load import load, load_text, load_with_places
from syncsvc.mapping.schema import json_schema

__all__ = ["json_schema", "load", "load_text", "load_with_places"]
