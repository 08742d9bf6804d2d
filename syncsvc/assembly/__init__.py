"""Stage 3: keyed rows are folded into state, and state is rendered as documents.  Pure, but for the state handed in."""
