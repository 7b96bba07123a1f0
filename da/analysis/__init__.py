"""What people look at to understand a run: embeddings of features, distances between domains."""
