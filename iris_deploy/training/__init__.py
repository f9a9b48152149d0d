"""From data to a bundle, and from a bundle to figures. scikit-learn lives here and nowhere else."""
