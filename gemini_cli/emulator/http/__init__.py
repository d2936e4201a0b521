"""HTTP: the server, requests and responses, routes."""
