"""Data sets as domains, and the Lightning data module that pairs them."""
