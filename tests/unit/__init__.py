"""What is tried in the process of the tests."""
