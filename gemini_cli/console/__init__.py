"""The terminal, and everything that is printed."""
