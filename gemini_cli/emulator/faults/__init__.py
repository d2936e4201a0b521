"""Faults: what goes wrong on request."""
