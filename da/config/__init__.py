"""Configurations: from names and overrides to validated plans of runs, without PyTorch and without loading data."""
