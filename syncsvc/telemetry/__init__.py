"""What an operator sees: metrics, lag and freshness, probes, and one log line for each named event."""
