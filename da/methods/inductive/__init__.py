"""Labels in the target: what was learnt on the source is a start, not the end."""
