"""
One actor a partition: takes batches from the engine, folds them, sends, commits, acknowledges; in that order.

The thin shell around the pure stages.  Knows Kafka, Faust and MongoDB only through the ports in `ports`.
"""
