"""Bytes of a dump to inert records. Nothing here executes code that a file names."""
