"""HTTP: requests, responses, routes, and the server."""
