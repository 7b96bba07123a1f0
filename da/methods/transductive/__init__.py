"""Methods for a labelled source and an unlabelled target (unsupervised domain adaptation)."""
