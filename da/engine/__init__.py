"""One run: load, fit, evaluate, record."""
