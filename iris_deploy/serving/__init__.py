"""From a bundle to an HTTP API. Flask and waitress live here; scikit-learn is never imported."""
