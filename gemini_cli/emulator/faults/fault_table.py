"""The table of faults, a row each, and the reader of an order's grammar."""

import ast
import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NamedTuple

from ..http.exchange import Reply
from ..http.routes import ROUTES
from . import answer_faults as answers
from . import file_faults as files
from . import stream_faults as stream
from .faults import ON

# The slots from the innermost change to the outermost; a slot of its own is a change of events.
OUTER = ("end", "text", "bytes", "answer")


class Row(NamedTuple):
    """`on` is which calls it falls on unless the order says otherwise; `slot` what it cannot be combined with."""

    name: str
    slot: str
    on: str
    effect: Callable[..., Reply]

    @property
    def rank(self) -> int:
        return OUTER.index(self.slot) + 1 if self.slot in OUTER else 0

    @property
    def says(self) -> str:
        return " ".join((self.effect.__doc__ or "").split())

    @property
    def usage(self) -> str:
        """The order with its arguments and their defaults."""
        listed = ", ".join(f"{name}={default!r}" for name, default in self.defaults.items())
        return f"{self.name}({listed})" if listed else self.name

    @property
    def defaults(self) -> dict[str, Any]:
        parameters = list(inspect.signature(self.effect).parameters.values())[1:]
        return {each.name: each.default for each in parameters}


ROWS = {
    row.name: row
    for row in (
        # in place of an answer
        Row("refuse", "answer", "any", answers.refuse),
        Row("rate_limit", "answer", "any", answers.rate_limit),
        Row("quota_per_day", "answer", "any", answers.quota_per_day),
        Row("echo_key", "answer", "any", answers.echo_key),
        Row("html", "answer", "any", answers.html),
        Row("redirect", "answer", "any", answers.redirect),
        Row("silence", "answer", "any", answers.silence),
        Row("reset", "answer", "any", answers.reset),
        Row("drip_headers", "answer", "any", answers.drip_headers),
        Row("huge_headers", "answer", "any", answers.huge_headers),
        Row("empty", "answer", "any", answers.empty),
        Row("short_body", "answer", "any", answers.short_body),
        Row("gzip_bomb", "answer", "any", answers.gzip_bomb),
        Row("deep_json", "answer", "answers", answers.deep_json),
        Row("odd_json", "answer", "answers", answers.odd_json),
        Row("plain_answer", "answer", "streams", stream.plain_answer),
        Row("blocked", "answer", "asks", answers.blocked),
        # the end of an answer
        Row("cut", "end", "streams", stream.cut),
        Row("cut_clean", "end", "streams", stream.cut_clean),
        Row("stall", "end", "streams", stream.stall),
        Row("comments", "end", "streams", stream.comments),
        Row("error_event", "end", "streams", stream.error_event),
        Row("unframed_error", "end", "streams", stream.unframed_error),
        Row("truncate_json", "end", "answers", stream.truncate_json),
        Row("bad_json", "end", "streams", stream.bad_json),
        Row("talk_on", "end", "streams", stream.talk_on),
        # what the answer says
        Row("no_event_ids", "no_event_ids", "streams", stream.no_event_ids),
        Row("replay_from_start", "replay", "resumes", stream.replay_from_start),
        Row("diverge", "replay", "resumes", stream.diverge),
        Row("unknown_parts", "unknown_parts", "streams", stream.unknown_parts),
        Row("odd_frames", "odd_frames", "streams", stream.odd_frames),
        Row("bad_utf8", "text", "answers", stream.bad_utf8),
        Row("lone_surrogate", "text", "answers", stream.lone_surrogate),
        Row("huge_event", "huge_event", "streams", stream.huge_event),
        Row("finish", "finish", "answers", stream.finish),
        Row("no_text", "no_text", "streams", stream.no_text),
        # how its bytes come
        Row("drip", "bytes", "answers", stream.drip),
        Row("slow", "bytes", "any", stream.slow),
        Row("framing", "bytes", "streams", stream.framing),
        # files
        Row("lose_chunk", "answer", "upload", files.lose_chunk),
        Row("lost_ack", "answer", "upload", files.lost_ack),
        Row("chunk_503", "answer", "upload", files.chunk_503),
        Row("active_503", "answer", "upload", files.active_503),
        Row("cancelled_upload", "answer", "upload", files.cancelled_upload),
        Row("foreign_upload", "answer", "upload_start", files.foreign_upload),
        Row("no_upload_url", "answer", "upload_start", files.no_upload_url),
        Row("wrong_hash", "wrong_hash", "upload_end", files.wrong_hash),
        Row("failed_file", "failed_file", "file", files.failed_file),
        Row("failed_batch", "failed_batch", "batch", files.failed_batch),
    )
}
COMMON = ("times", "on")
KINDS = tuple(dict.fromkeys(route.kind for route in ROUTES))


def read(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the arguments by name of an order."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"fault {text!r} is not written name(argument, key=value)") from error
    called, given, named = (tree.func, tree.args, tree.keywords) if isinstance(tree, ast.Call) else (tree, [], [])
    if not isinstance(called, ast.Name):
        raise ValueError(f"fault {text!r} is not written name(argument, key=value)")
    row = ROWS.get(called.id)
    if row is None:
        near = get_close_matches(called.id, ROWS, 1, 0)[0]
        raise ValueError(f"unknown fault {called.id!r}, did you mean {near!r}?")
    parameters = list(row.defaults)
    if len(given) > len(parameters):
        raise ValueError(f"fault {text!r}: too many arguments for {row.usage}")
    arguments = {name: _value(node, text) for name, node in zip(parameters, given, strict=False)}
    for keyword in named:
        if keyword.arg not in (*parameters, *COMMON) or keyword.arg in arguments:
            raise ValueError(f"fault {text!r}: {row.usage} has no free argument {keyword.arg!r}")
        arguments[keyword.arg] = _value(keyword.value, text)
    return row.name, _checked(row, arguments, text)


def _value(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.Name):
        return {"true": True, "false": False}.get(node.id, node.id)
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise ValueError(f"fault {text!r}: arguments are numbers and words") from error


def _checked(row: Row, arguments: dict[str, Any], text: str) -> dict[str, Any]:
    """Each argument must be of the kind of its default, so that a slip shows before the run."""
    for name, value in arguments.items():
        default = row.defaults.get(name)
        numbers = isinstance(default, (int, float)) and not isinstance(default, bool)
        if numbers and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise ValueError(f"fault {text!r}: {name} is a number")
    on = arguments.get("on")
    if on is not None and on not in ON and on not in KINDS:
        raise ValueError(f"fault {text!r}: on is one of {', '.join([*ON, *KINDS])}")
    return arguments
