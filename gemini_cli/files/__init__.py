"""Local files in requests, and uploads."""
