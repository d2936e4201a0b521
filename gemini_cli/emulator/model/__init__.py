"""The pretend model: what is answered."""
