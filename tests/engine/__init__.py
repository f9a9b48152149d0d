"""What is tried with container engines."""
