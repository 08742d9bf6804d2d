"""
Stage 1 of 4: bytes of a source topic become a `Change`, what a database says happened to one row.

Comes before `routing`.  Pure: no clock, network, disk or log.  `envelope` reads a record, `columns` knows every column
type and what it becomes, `change` holds the value and the source position, `connector` writes and judges the settings
under which the bytes mean what `columns` says.  Nothing here guesses: what cannot be carried exactly is refused by
name before a pipeline starts, and a record that breaks the contract is an error with a code.
"""
