"""Labels in the source, inputs only in the target (unsupervised domain adaptation)."""
