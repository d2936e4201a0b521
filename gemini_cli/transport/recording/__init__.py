"""Recordings of HTTP exchanges: their format, and what writes and reads them."""
