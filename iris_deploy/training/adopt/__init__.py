"""Files that people have already, to a bundle: read without running any of them."""
