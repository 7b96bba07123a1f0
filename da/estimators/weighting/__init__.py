"""The source is reweighted to look like the target."""
