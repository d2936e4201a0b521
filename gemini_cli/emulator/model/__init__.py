"""The emulated model."""
