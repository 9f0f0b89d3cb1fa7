"""Exact numbers of the two-dimensional Ising model."""
