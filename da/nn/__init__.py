"""Modules with no transfer policy inside: gradient reversal, heads, networks, freezing."""
