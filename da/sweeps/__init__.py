"""Sweeps: many runs, on as many processes as there are, that nothing brings down."""
