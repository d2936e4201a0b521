"""What the API can do: interactions, models, files, downloads."""
