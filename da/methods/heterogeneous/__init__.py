"""Methods for different feature spaces of source and target."""
