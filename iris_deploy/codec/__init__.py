"""Bytes of a request or a file to rows, strictly."""
