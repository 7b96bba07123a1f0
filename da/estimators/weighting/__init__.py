"""Weightings: estimate source weights that match the target's distribution."""
