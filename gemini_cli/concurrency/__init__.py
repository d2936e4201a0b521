"""Work in parallel: a pool of threads."""
