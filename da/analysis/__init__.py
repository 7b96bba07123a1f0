"""Analysis of runs: embeddings of features, distances between domains, figures of closed-form methods."""
