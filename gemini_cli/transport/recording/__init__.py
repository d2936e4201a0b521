"""Recordings of HTTP exchanges: their format, and transports that write and read them."""
