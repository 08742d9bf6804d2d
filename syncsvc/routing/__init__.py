"""Stage 2: a change becomes keyed rows, each addressed to where it is needed.  Pure: no clock, network, disk or log."""
