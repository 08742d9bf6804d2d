"""
Capacity on paper: from rows, changes and documents to partitions, workers, MongoDB and Kafka.

Imports nothing but the standard library, so that it runs from a checkout before anything is installed: sizes are wanted
first of all.  `units` has what was measured, `demand` the arithmetic, `limits` what breaks first.
"""
