"""What pieces of files are scored by: this machine, or others."""
