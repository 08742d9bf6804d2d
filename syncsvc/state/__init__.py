"""
The local copy of one partition's state: sorted bytes, changes packed into segments, a cache that may be lost.

The truth is in MongoDB (`syncsvc.mongo.segments`); what lies here is only faster to read.  Knows lmdb and the file
system, and nothing of records, documents or MongoDB.
"""
