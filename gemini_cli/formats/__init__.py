"""JSON, YAML, text files, MIME types, JSON Schema, code blocks of Markdown."""
