"""
The source's servers, for commands: a SQL connection, what kind of server it is, its binlog, and its connector.

Never on the way of a change.  The only package, beside the development stack, that opens a SQL connection or asks Kafka
Connect.
"""
