"""What platforms need to be told: their own files, from a bundle, an image and one table of facts.

Each recipe is a folder of templates and one line in `registry`. Runs no program, asks no platform.
"""
