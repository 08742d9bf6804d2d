"""What we believe of the pinned versions of other people's code."""
