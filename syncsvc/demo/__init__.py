"""
`syncsvc demo`: the whole road on one machine, for people who want to see it before they read about it.

Real servers, a made-up meetup, two workers, a few changes by hand, and a comparison with SQL at the end.  Uses the
service as anyone would, from outside; nothing else imports this package.
"""

from syncsvc.demo.tour import run

__all__ = ["run"]
