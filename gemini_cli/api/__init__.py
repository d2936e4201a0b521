"""Formats of requests and answers. No I/O."""
