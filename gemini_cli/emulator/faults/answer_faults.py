"""Faults that replace the response.

Unless the docstring says otherwise, the request is not carried out. An error body has the format of the API that was
called, or the format that `shape` names.
"""

import gzip
import json
import time
from collections.abc import Iterator
from email.utils import formatdate

from ..errors import INTERACTION_CODES, RPC_STATUSES, ErrorDetail, ErrorResponse
from ..http.error_format import error_to_response
from ..http.exchange import JSON, JSON_UTF8, KEY_HEADER, SSE, HttpResponse, compact_json, indented_json
from ..http.routes import ResponseForm
from .fault_context import FaultContext
from .fault_registry import fault

MEBIBYTE = 1 << 20
RATE_LIMIT_DOCS = "https://ai.google.dev/gemini-api/docs/rate-limits"
SHAPES: dict[str, ResponseForm] = {"interactions": "interactions", "rpc": "json", "list": "array"}


def _error(context: FaultContext, error: ErrorResponse, shape: object) -> HttpResponse:
    """The error in the format of the API or in `shape`, with the API's content type."""
    response = error_to_response(error, SHAPES.get(str(shape), context.form))
    return response._replace(headers=error_to_response(error, context.form).headers)


def _retry_after(value: object) -> dict[str, str]:
    """The header: seconds, a word, or for `date+2` the HTTP-date two seconds ahead."""
    if value == "":
        return {}
    if isinstance(value, str) and value.startswith("date"):
        return {"retry-after": formatdate(time.time() + float(value[4:] or 0), usegmt=True)}
    return {"retry-after": str(value)}


@fault(on="any", slot="answer", shape=SHAPES)
def refuse(
    context: FaultContext,
    status: int = 503,
    retry_after: object = "",
    message: object = "",
    code: object = "",
    retry_info: object = "",
    shape: object = "",
) -> HttpResponse:
    """An error status with an error body.

    retry_after: seconds, 'date+2' for an HTTP-date, or any word; retry_info: a duration such as '2s'; shape of the
    body: interactions, rpc or list.
    """
    text = str(message or RPC_STATUSES.get(status, "emulated error").replace("_", " ").capitalize() + ".")
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": str(retry_info)}] * bool(retry_info)
    rpc, word = (str(code), "") if str(code).isupper() else ("", str(code))
    error = ErrorResponse(status, text, code=word or INTERACTION_CODES.get(status, ""), rpc=rpc, details=details)
    response = _error(context, error, shape or _shape_with_details(context, details))
    return response._replace(headers={**response.headers, **_retry_after(retry_after)})


def _shape_with_details(context: FaultContext, details: list[ErrorDetail]) -> str:
    """The shape of errors with details, which Interactions does not have."""
    return "rpc" if context.is_interactions and details else ""


@fault(on="any", slot="answer", shape=SHAPES)
def rate_limit(
    context: FaultContext, retry_after: object = "", retry_info: object = "", shape: object = ""
) -> HttpResponse:
    """429: the limit of requests per minute."""
    return refuse(context, 429, retry_after, "Resource has been exhausted (e.g. check quota).", "", retry_info, shape)


@fault(on="any", slot="answer", shape=SHAPES)
def quota_per_day(context: FaultContext, shape: object = "") -> HttpResponse:
    """429: the limit of requests per day, with PerDay in a quotaId or the code
    quota_exceeded (shape=interactions)."""
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
        "quotaDimensions": {"location": "global", "model": "gemini-flash-latest"},
        "quotaValue": "20",
    }
    message = f"You exceeded your current quota, please check your plan and billing details. See {RATE_LIMIT_DOCS}."
    failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    error = ErrorResponse(429, message, code="quota_exceeded", details=[failure])
    return _error(context, error, shape or _shape_with_details(context, error.details))


@fault(on="any", slot="answer")
def echo_key(context: FaultContext, status: int = 401) -> HttpResponse:
    """An authentication error whose message repeats the API key of the request."""
    key = context.request.headers.get(KEY_HEADER, "")
    return refuse(context, status, message=f"The key {key} is not known.")


@fault(on="any", slot="answer")
def html(context: FaultContext, status: int = 500, size: int = 36_864) -> HttpResponse:
    """A page of HTML, as a proxy or a front end sends it, with any status."""
    head, tail = b"<!DOCTYPE html><html><title>Error</title><body><p>", b"</p></body></html>\n"
    page = head + b"Something <b>went</b> wrong. " * (max(0, size - len(head) - len(tail)) // 29) + tail
    return HttpResponse(status, {"content-type": "text/html; charset=UTF-8"}, (page,))


@fault(on="any", slot="answer")
def redirect(context: FaultContext, to: object = "http://127.0.0.2:9/", status: int = 307) -> HttpResponse:
    """A redirect; to='self' redirects to the same URL."""
    target = context.request.target if to == "self" else str(to)
    return HttpResponse(status, {"location": target, "content-type": JSON_UTF8}, (b"{}\n",))


@fault(on="any", slot="answer")
def silence(context: FaultContext, seconds: float = 3600) -> HttpResponse:
    """The request is read and nothing is sent, not even a status line."""
    return HttpResponse(200, {}, context.wait(seconds), raw=True)


@fault(on="any", slot="answer")
def reset(context: FaultContext, carried_out: bool = True) -> HttpResponse:
    """A connection reset before the response; the request is carried out by default."""
    if carried_out:
        for _ in context.proceed(context.request).body:
            pass
    raise ConnectionResetError("emulated: reset before the response")


@fault(on="any", slot="answer")
def drip_headers(context: FaultContext, seconds: float = 0.4) -> HttpResponse:
    """Response headers one byte at a time."""

    def drip() -> Iterator[bytes]:
        for byte in b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-filler: " + b"." * 4096:
            yield bytes((byte,))
            yield from context.wait(seconds)

    return HttpResponse(200, {}, drip(), raw=True)


@fault(on="any", slot="answer")
def huge_headers(context: FaultContext, size: int = 2 * MEBIBYTE) -> HttpResponse:
    """The true response after `size` bytes of extra headers."""
    response = context.proceed(context.request)
    filler = {f"x-filler-{number}": "." * 8000 for number in range(size // 8000 + 1)}
    return response._replace(headers={**response.headers, **filler})


@fault(on="any", slot="answer")
def empty(context: FaultContext, status: int = 200) -> HttpResponse:
    """No body; the request is carried out."""
    response = context.proceed(context.request)
    return HttpResponse(status, response.headers, ())


@fault(on="any", slot="answer")
def short_body(context: FaultContext, missing: int = 100) -> HttpResponse:
    """The true body with a Content-Length that is larger by `missing`."""
    response = context.proceed(context.request)
    body = b"".join(response.body)
    return response._replace(headers={**response.headers, "content-length": str(len(body) + missing)}, body=(body,))


@fault(on="any", slot="answer")
def gzip_bomb(context: FaultContext, mib: int = 512) -> HttpResponse:
    """A small gzip body that unpacks to `mib` MiB of spaces."""
    # Deflate packs a run of spaces about a thousand to one; a gzip file may have many members (RFC 1952 2.2).
    member = gzip.compress(b" " * MEBIBYTE, mtime=0)
    streams_events = context.streamed and context.form != "array"
    headers = {"content-type": SSE if streams_events else JSON, "content-encoding": "gzip"}
    return HttpResponse(200, headers, (member * mib,))


@fault(on="answers", slot="answer")
def deep_json(context: FaultContext, depth: int = 200_000) -> HttpResponse:
    """JSON with arrays nested `depth` levels deep."""
    return _odd(context, b'{"steps":' + b"[" * depth + b"]" * depth + b"}")


ODD_BODIES = {
    "nan": b'{"status":"completed","usage":{"total_tokens":NaN},"steps":[]}',
    "bigint": b'{"status":"completed","usage":{"total_tokens":' + b"9" * 5000 + b'},"steps":[]}',
    "duplicates": b'{"status":"failed","status":"completed","steps":[],"steps":null}',
    "array": b'[{"status":"completed"}]',
    "null": b'{"candidates":null,"steps":null,"status":null,"usage":null}',
    "text": b'"completed"',
}


@fault(on="answers", slot="answer", kind=ODD_BODIES)
def odd_json(context: FaultContext, kind: object = "nan") -> HttpResponse:
    """Unusual JSON; kind: nan, bigint (5000 digits), duplicates, array, null or text."""
    return _odd(context, ODD_BODIES[str(kind)])


def _odd(context: FaultContext, body: bytes) -> HttpResponse:
    if not context.streamed:
        return HttpResponse(200, {"content-type": JSON}, (body,))
    if context.form == "array":
        return HttpResponse(200, {"content-type": JSON_UTF8}, (b"[" + body + b"\n]",))
    frame = b"event: interaction.completed\ndata: %b\n\n" if context.is_interactions else b"data: %b\r\n\r\n"
    return HttpResponse(200, {"content-type": SSE}, (frame % body,))


@fault(on="streams", slot="answer")
def plain_answer(context: FaultContext) -> HttpResponse:
    """A plain JSON response although a stream was requested."""
    target = context.request.target.replace(":streamGenerateContent", ":generateContent")
    body = context.request.body
    if context.is_interactions and context.route_kind == "create":
        body = compact_json({**json.loads(body), "stream": False})
    response = context.proceed(context.request._replace(target=target, body=body))
    return response._replace(headers={**response.headers, "content-type": JSON})


@fault(on="asks", slot="answer")
def blocked(context: FaultContext, reason: object = "SAFETY") -> HttpResponse:
    """A blocked prompt: promptFeedback in generateContent, status failed in
    Interactions."""
    if not context.is_interactions:
        chunk = {"promptFeedback": {"blockReason": str(reason)}, "usageMetadata": {"promptTokenCount": 1}}
        if context.form == "events":
            return HttpResponse(200, {"content-type": SSE}, (b"data: %b\r\n\r\n" % compact_json(chunk),))
        whole = indented_json([chunk]).rstrip() if context.form == "array" else indented_json(chunk)
        return HttpResponse(200, {"content-type": JSON_UTF8}, (whole,))
    error = {"code": str(reason).lower(), "message": "The prompt was blocked."}
    failed = {"id": "", "status": "failed", "errors": [error], "object": "interaction"}
    if not context.streamed:
        return HttpResponse(200, {"content-type": JSON}, (compact_json(failed),))
    event = compact_json({"interaction": failed, "event_type": "interaction.completed"})
    body = b"event: interaction.completed\ndata: " + event + b"\n\nevent: done\ndata: [DONE]\n\n"
    return HttpResponse(200, {"content-type": SSE}, (body,))
