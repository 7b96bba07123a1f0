"""Methods for labelled targets, which start from what was learnt on the source."""
