"""The hand-off between training and serving: what a bundle is, how it is written and read."""
