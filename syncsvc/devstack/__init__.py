"""
The road on one machine, with real servers: Kafka, Kafka Connect with Debezium, mongod, MariaDB or MySQL.

For the demo, the tests and a laptop, never for production.  Start reading at `stack`; one module a server, `children`
holds the processes, `cache` what was fetched (by `jars`, `wheels` and `debs`).  Imported by the commands and the tests
only; imports nothing of ours but `errors`.
"""
