"""Stage 4: what is due becomes writes of one fenced transaction.  Pure; `mongo` carries them out."""
