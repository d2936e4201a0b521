"""The resources of the API: one module for each, and their shared parts."""
