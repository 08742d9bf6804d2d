"""
From Kafka to the actors and back: Faust, aiokafka and nothing else; no other package imports either of them.

`port` is what the actors see.  `engine` runs the actors' host on Faust, `plain` on a bare aiokafka consumer with the
same interface; both share `lanes` (order, room and acknowledgement per partition), `wire` (the producer and the
questions asked of the broker) and `topics`.  Kafka's offsets are no truth here: where a partition is read from is the
host's to say, and committed offsets are for the eyes of lag tools.
"""
