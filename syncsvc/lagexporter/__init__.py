"""
Lag seen from outside, with all workers down too: `syncsvc lag-exporter`.

Where a pipeline stands is read from its fences, because only those say what is durable; other groups are taken by what
they have committed.
"""
