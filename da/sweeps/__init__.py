"""Sweeps: many runs in several processes, robust to failures of single runs and processes."""
