"""From names and overrides to a checked plan of runs: nothing here imports PyTorch or loads data."""
