"""Measure the tool beside its alternatives, in turn, as ratios. Run with ``make bench``."""
