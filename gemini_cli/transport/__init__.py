"""HTTP: the client's transport, proxies, retries, deadlines, server-sent events."""
