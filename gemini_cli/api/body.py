"""The body of a request: merge layers of JSON, set one field, check its text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gemini_cli.errors import InputError, UsageError
from gemini_cli.formats import strict_json
from gemini_cli.formats.surrogates import has_lone_surrogate

REQUEST_LIMIT = 100 * 1000 * 1000  # bytes, the API's own (api/README.md 3.4)

Body = dict[str, Any]
BodyPath = list[str | int]

_KEY = r"[^.\[\]=]+"
_PATH = rf"{_KEY}(?:\.{_KEY}|\[\d{{0,6}}\])*"
_STEP = rf"(?P<key>{_KEY})|\[(?P<place>\d*)\]"


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> Body:
    """Merge two layers into a new one: maps deeply, everything else is replaced."""
    merged = {key: merge(value, {}) if isinstance(value, dict) else value for key, value in under.items()}
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below if isinstance(below, dict) else {}, value) if isinstance(value, dict) else value
    return merged


def copy_json(value: Any) -> Any:
    """Copy the maps and lists of a JSON value, not its scalars."""
    if isinstance(value, dict):
        return {key: copy_json(item) for key, item in value.items()}
    return [copy_json(item) for item in value] if isinstance(value, list) else value


def require_text(value: Any, path: str = "") -> None:
    """Raise InputError if a string of the body holds half a surrogate pair."""
    if isinstance(value, str) and has_lone_surrogate(value):
        raise InputError(f"{path}: half a surrogate pair, {strict_json.dumps(value)[:40]}, is not text")
    if isinstance(value, dict):
        for key, item in value.items():
            require_text(key, path or "the request")
            require_text(item, f"{path}.{key}" if path else key)
    if isinstance(value, list):
        for number, item in enumerate(value):
            require_text(item, f"{path}[{number}]")


def parse_path(text: str) -> BodyPath:
    """Parse `a.b[0].c` to ["a", "b", 0, "c"]; `[]`, which appends, becomes -1."""
    if not re.fullmatch(_PATH, text):
        raise UsageError(f"{text!r} is not a path; write a.b, a.b[0].c, or a.b[] to append")
    return [match["key"] or int(match["place"] or -1) for match in re.finditer(_STEP, text)]


def apply_set_option(body: Body, text: str) -> str:
    """Apply one `--set PATH=VALUE`, and return the top-level field that it is in.

    VALUE is JSON if it parses, else text.
    """
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"--set {text}: write PATH=VALUE")
    try:
        parsed = strict_json.loads(value)
    except ValueError:
        parsed = value
    path = parse_path(name)
    try:
        set_path(body, path, parsed)
    except UsageError as error:
        raise UsageError(f"--set {name}: {error.message}") from None
    return str(path[0])


def set_path(body: Body, path: BodyPath, value: Any) -> None:
    """Set one field of the body, making maps and lists on the way.

    UsageError if the body has something else there.
    """
    here: Any = body
    for step, following in zip(path, [*path[1:], None], strict=True):
        below = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, str):
            if not isinstance(here, dict):
                raise UsageError(f"the parent of {step!r} is not a map")
            if following is None or here.get(step) is None:
                here[step] = below
            here = here[step]
            continue
        if not isinstance(here, list):
            raise UsageError(f"the parent of [{step if step >= 0 else ''}] is not a list")
        if step > len(here):
            raise UsageError(f"index [{step}] is out of range; [] appends")
        if step in (-1, len(here)):
            here.append(below)
        elif following is None or here[step] is None:
            here[step] = below
        here = here[step]
