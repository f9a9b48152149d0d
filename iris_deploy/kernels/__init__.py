"""Arithmetic on plain floats, one row, and on NumPy arrays, many. Knows numbers only."""
