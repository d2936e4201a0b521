"""Options, settings and their sources, profiles, the API key, the endpoint."""
