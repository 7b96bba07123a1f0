"""Source and target live in different feature spaces."""
