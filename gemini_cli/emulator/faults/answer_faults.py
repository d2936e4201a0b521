"""Faults in place of an answer. Each takes a scene and its arguments and gives the reply that is sent instead.

Unless it says otherwise the request is not carried out. Bodies are in the dialect of the family that was asked
(reference.md 12), or in the one that `shape` names.
"""

import gzip
import time
from collections.abc import Iterator
from email.utils import formatdate

from ..errors import INTERACTION_CODE, RPC_STATUS, Problem
from ..http.exchange import JSON, JSON_UTF8, SSE, Reply, dump, pretty
from .faults import Scene

MEBIBYTE = 1 << 20
DOCS = "https://ai.google.dev/gemini-api/docs/rate-limits"


def _body(scene: Scene, problem: Problem, shape: str) -> bytes:
    dialect = shape or ("interactions" if scene.interactions else "rpc")
    if dialect == "interactions":
        return dump(problem.interaction_body())
    return pretty([problem.rpc_body()] if dialect == "list" else problem.rpc_body())


def _retry_after(value: object) -> dict[str, str]:
    """A number of seconds, `date+2` for a date two seconds ahead, or any nonsense as it stands."""
    if value == "":
        return {}
    if isinstance(value, str) and value.startswith("date"):
        return {"retry-after": formatdate(time.time() + float(value[4:] or 0), usegmt=True)}
    return {"retry-after": str(value)}


def refuse(
    scene: Scene,
    status: int = 503,
    retry_after: object = "",
    message: object = "",
    code: object = "",
    retry_info: object = "",
    shape: object = "",
) -> Reply:
    """An error status with the family's body. retry_after: seconds, a date as 'date+2', or nonsense; retry_info: '2s';
    shape: interactions, rpc or list."""
    words = str(message or RPC_STATUS.get(status, "emulated refusal").replace("_", " ").capitalize() + ".")
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": str(retry_info)}] * bool(retry_info)
    rpc, word = (str(code), "") if str(code).isupper() else ("", str(code))
    problem = Problem(status, words, code=word or INTERACTION_CODE.get(status, ""), rpc=rpc, details=details)
    chosen = str(shape or ("rpc" if retry_info else ""))
    return Reply(status, {"content-type": JSON_UTF8, **_retry_after(retry_after)}, (_body(scene, problem, chosen),))


def rate_limit(scene: Scene, retry_after: object = "", retry_info: object = "", shape: object = "") -> Reply:
    """429 for the requests of a minute."""
    return refuse(scene, 429, retry_after, "Resource has been exhausted (e.g. check quota).", "", retry_info, shape)


def quota_per_day(scene: Scene, shape: object = "rpc") -> Reply:
    """429 for the requests of a day: QuotaFailure with PerDay in its quotaId; shape=interactions: quota_exceeded."""
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
        "quotaDimensions": {"location": "global", "model": "gemini-flash-latest"},
        "quotaValue": "20",
    }
    message = f"You exceeded your current quota, please check your plan and billing details. See {DOCS}."
    failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    problem = Problem(429, message, code="quota_exceeded", details=[failure])
    return Reply(429, {"content-type": JSON_UTF8}, (_body(scene, problem, str(shape)),))


def echo_key(scene: Scene, status: int = 401) -> Reply:
    """An authentication error whose message repeats the key that was sent."""
    key = scene.call.headers.get("x-goog-api-key", "")
    return refuse(scene, status, message=f"The key {key} is not known here.")


def html(scene: Scene, status: int = 500, size: int = 36_864) -> Reply:
    """A page of HTML, as a proxy or a front end sends it; status 200 is possible."""
    head, tail = b"<!DOCTYPE html><html><title>Error</title><body><p>", b"</p></body></html>\n"
    page = head + b"Something <b>went</b> wrong. " * (max(0, size - len(head) - len(tail)) // 29) + tail
    return Reply(status, {"content-type": "text/html; charset=UTF-8"}, (page,))


def redirect(scene: Scene, to: object = "http://127.0.0.2:9/", status: int = 307) -> Reply:
    """A redirect; to='self' points at the same request again."""
    target = scene.call.target if to == "self" else str(to)
    return Reply(status, {"location": target, "content-type": JSON_UTF8}, (b"{}\n",))


def silence(scene: Scene, seconds: float = 3600) -> Reply:
    """The request is read and nothing is ever answered, not even a status line."""
    return Reply(200, {}, scene.wait(seconds), raw=True)


def reset(scene: Scene, carried_out: bool = True) -> Reply:
    """The connection is reset after the request, before any answer; by default the request was carried out."""
    if carried_out:
        for _ in scene.proceed(scene.call).body:
            pass
    raise ConnectionResetError("emulated: reset before the answer")


def drip_headers(scene: Scene, seconds: float = 0.4) -> Reply:
    """The headers come one byte at a time."""

    def drip() -> Iterator[bytes]:
        for byte in b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-filler: " + b"." * 4096:
            yield bytes((byte,))
            yield from scene.wait(seconds)

    return Reply(200, {}, drip(), raw=True)


def huge_headers(scene: Scene, size: int = 2 * MEBIBYTE) -> Reply:
    """The true answer under that many bytes of headers."""
    reply = scene.proceed(scene.call)
    filler = {f"x-filler-{number}": "." * 8000 for number in range(size // 8000 + 1)}
    return reply._replace(headers={**reply.headers, **filler})


def empty(scene: Scene, status: int = 200) -> Reply:
    """No body at all; the request was carried out."""
    reply = scene.proceed(scene.call)
    return Reply(status, reply.headers, ())


def short_body(scene: Scene, missing: int = 100) -> Reply:
    """The true answer under a Content-Length that promises more."""
    reply = scene.proceed(scene.call)
    body = b"".join(reply.body)
    return reply._replace(headers={**reply.headers, "content-length": str(len(body) + missing)}, body=(body,))


def gzip_bomb(scene: Scene, mib: int = 512) -> Reply:
    """A small body that unpacks to that many MiB of spaces."""
    # Deflate packs a run of spaces about a thousand to one; members may simply follow one another.
    member = gzip.compress(b" " * MEBIBYTE, mtime=0)
    headers = {"content-type": SSE if scene.streamed else JSON, "content-encoding": "gzip"}
    return Reply(200, headers, (member * mib,))


def deep_json(scene: Scene, depth: int = 200_000) -> Reply:
    """JSON nested that deep."""
    return _odd(scene, b'{"steps":' + b"[" * depth + b"]" * depth + b"}")


ODD = {
    "nan": b'{"status":"completed","usage":{"total_tokens":NaN},"steps":[]}',
    "bigint": b'{"status":"completed","usage":{"total_tokens":' + b"9" * 5000 + b'},"steps":[]}',
    "duplicates": b'{"status":"failed","status":"completed","steps":[],"steps":null}',
    "array": b'[{"status":"completed"}]',
    "null": b'{"candidates":null,"steps":null,"status":null,"usage":null}',
    "text": b'"completed"',
}


def odd_json(scene: Scene, kind: object = "nan") -> Reply:
    """Strange but small JSON: nan, bigint (5000 digits), duplicates, array, null or text."""
    return _odd(scene, ODD[str(kind)])


def _odd(scene: Scene, body: bytes) -> Reply:
    if not scene.streamed:
        return Reply(200, {"content-type": JSON}, (body,))
    return Reply(200, {"content-type": SSE}, (b"event: interaction.completed\ndata: " + body + b"\n\n",))


def blocked(scene: Scene, reason: object = "SAFETY") -> Reply:
    """The prompt is blocked: promptFeedback in the older family, status failed with errors in Interactions."""
    if not scene.interactions:
        chunk = {"promptFeedback": {"blockReason": str(reason)}, "usageMetadata": {"promptTokenCount": 1}}
        body = b"data: " + dump(chunk) + b"\r\n\r\n" if scene.streamed else pretty(chunk)
        return Reply(200, {"content-type": SSE if scene.streamed else JSON_UTF8}, (body,))
    error = {"code": str(reason).lower(), "message": "The prompt was blocked."}
    failed = {"id": "", "status": "failed", "errors": [error], "object": "interaction"}
    if not scene.streamed:
        return Reply(200, {"content-type": JSON}, (dump(failed),))
    event = dump({"interaction": failed, "event_type": "interaction.completed"})
    body = b"event: interaction.completed\ndata: " + event + b"\n\nevent: done\ndata: [DONE]\n\n"
    return Reply(200, {"content-type": SSE}, (body,))
