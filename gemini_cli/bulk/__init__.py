"""Many prompts: rows, the map runner, the worker pool, checkpoints and batch jobs."""
