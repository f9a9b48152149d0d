"""Commands, signals and files: what is tried with processes of its own."""
