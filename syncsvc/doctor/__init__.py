"""
Is everything around the pipelines fit for them?  The source, the connector, Kafka, MongoDB, this machine.

Facts are read by the packages that own the drivers (`source`, `engine`, `mongo`), judged here by small functions of
values, and told as findings: ok, warn or fail, with the fix.  All servers are asked at the same time, none for longer
than the deadline, and nothing is changed anywhere.  `syncsvc doctor` shows it.
"""
