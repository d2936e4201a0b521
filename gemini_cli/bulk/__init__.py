"""Many prompts: rows, the map runner, checkpoints and batch jobs."""
