"""The hand-off between training and serving: what a bundle is, how it is written, read and run.

Nothing in this package executes code that an artifact names, and nothing in it imports
scikit-learn, SciPy or joblib.
"""
