"""Train a scikit-learn classifier, serve it over HTTP, ship it as a container image."""

__version__ = "0.1.0"
