"""The image room: a bundle to a container image that has been tried. Containers live here only."""
