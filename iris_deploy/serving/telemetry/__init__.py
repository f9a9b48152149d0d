"""What operators see: log, figures, drift. prometheus-client lives in exposition.py only."""
