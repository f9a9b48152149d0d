"""Where data come from: the talk's irises, and files."""
