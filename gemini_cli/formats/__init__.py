"""JSON, YAML, text files, MIME types, JSON Schema."""
