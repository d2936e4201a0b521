"""Function calling: declarations, the loop, calls, local commands."""
