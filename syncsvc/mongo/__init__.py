"""
The driver and nothing but the driver: connection, fences, the one transaction a step, and the bookkeeping collections.

The only package that imports pymongo.  It carries bytes and numbers: what a document or a segment means is not known
here.  The client is synchronous; `Committer` has a thread of its own, the other functions are called in one.
"""
