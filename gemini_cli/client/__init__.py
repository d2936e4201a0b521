"""The operations of the API: interactions, models, files, downloads."""
