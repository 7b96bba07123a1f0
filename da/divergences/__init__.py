"""Distances between samples of two domains: pure functions of tensors."""
