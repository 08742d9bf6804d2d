"""syncsvc keeps MongoDB documents true to the relational rows they are joined from."""

__version__ = "0.1.0"
