"""Error responses as HTTP responses, in the format of the called API."""

from ..errors import ErrorResponse
from .exchange import JSON_UTF8, SSE, HttpResponse, compact_json, indented_json
from .routes import ResponseForm


def error_to_response(error: ErrorResponse, form: ResponseForm) -> HttpResponse:
    """The response for an error (api/README.md 1.9, 12.1, 12.2)."""
    if form == "interactions" and not error.front_end:
        return HttpResponse(error.status, {"content-type": JSON_UTF8}, (compact_json(error.interaction_body()),))
    # With alt=sse the type is text/event-stream, and the body plain JSON (api/README.md 11.12).
    content_type = SSE if form == "events" else JSON_UTF8
    # Without alt=sse the response is an array, also for an error (api/README.md 12.3).
    body = indented_json([error.rpc_body()]).rstrip() if form == "array" else indented_json(error.rpc_body())
    return HttpResponse(error.status, {"content-type": content_type}, (body,))
