"""Several turns: what each of them must say, and where they are kept."""
