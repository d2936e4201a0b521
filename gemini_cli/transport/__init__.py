"""HTTP: httpx transports, the errors of one request, server-sent events, retry delays, the deadline.

Only this package imports httpx, httpcore and httpx_sse, and it knows nothing of the Gemini API. Importing one of
`http_client`, `http_transport`, `emulator_transport` or `sse` loads httpx; the other modules do not.
"""
