"""
The composition root: joins the actors' ports to the engine and to MongoDB, and runs a worker.

Only here do Kafka and MongoDB meet; everything below knows at most one of them.
"""
