"""
What the user declares: one YAML file a pipeline, read, checked and completed into frozen values.

`load` goes document → reading → build → check → meaning; `model` is what everything behind it works on; `schema` is
the same declaration for editors; `live` compares the declared tables with a server.
"""

from syncsvc.mapping.load import load, load_text, load_with_places
from syncsvc.mapping.schema import json_schema

__all__ = ["json_schema", "load", "load_text", "load_with_places"]
