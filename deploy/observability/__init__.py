"""
Source of the boards and the alerts: `python -m deploy.observability` writes what is checked in beside it.

Not part of the shipped package.  `tests/deploy` holds that what is checked in is what this makes.
"""
