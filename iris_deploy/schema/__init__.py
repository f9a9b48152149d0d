"""What goes into a model and comes out of it: features, classes, and what is wrong with a row."""
