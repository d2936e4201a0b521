"""Many prompts: the rows of `map` and `batch`, worked through here or handed to the service."""
