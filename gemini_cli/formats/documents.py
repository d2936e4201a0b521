"""Read the user's JSON and YAML: profiles, requests, tools, schemas.

Only this module imports `yaml`. YAML is read as a plain subset: one document of maps, lists and scalars. Anchors,
aliases, merge keys, tags and repeated keys are refused, because otherwise a profile of 586 bytes can cost seconds, and
a tag can name code. The tree is built from parser events, and the limits are checked meanwhile, so that nothing large
is built before it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path as FilePath
from typing import Any, NamedTuple, NoReturn

from gemini_cli.errors import InputError
from gemini_cli.formats import strict_json
from gemini_cli.formats.text_files import decode_text, read_bytes

YAML_LIMIT = 64 * 1024
DEPTH = 16

_JSON = r"[\s\[{]*[\[{]\s*\""  # a quote after the first brackets
_JSON_NUMBER = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?"

KeyPath = tuple[str | int, ...]


class Document(NamedTuple):
    """A value with the line numbers of its parts.

    `lines` returns the line, counted from 1, of each known path of keys.
    """

    name: str
    value: Any
    lines: Callable[[], Mapping[KeyPath, int]]

    def error_at(self, path: KeyPath, message: str) -> InputError:
        lines = self.lines()
        line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), None)
        return InputError(f"{self.name}:{line}: {message}" if line else f"{self.name}: {message}")


def load_document(path: str | FilePath, *, limit: int) -> Document:
    """Read a document from a file of at most `limit` bytes.

    InputError with the file's name and the line.
    """
    return parse_document(read_bytes(path, limit=limit), str(path))


def load_yaml_document(path: str | FilePath) -> Document:
    """Read a configuration file: YAML of limited size, without waiting for a FIFO."""
    return _parse_yaml(decode_text(read_bytes(path, limit=YAML_LIMIT, wait=False), str(path)), str(path))


def parse_document(data: bytes, name: str) -> Document:
    """Parse JSON, or YAML.

    An error is one of JSON if the name ends in `.json`, or if a quote follows the first brackets; else YAML is tried.
    """
    text = decode_text(data, name)
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _parse_json(text, name)
        except InputError:
            if name.endswith(".json") or re.match(_JSON, text):
                raise
    if len(data) > YAML_LIMIT:
        raise InputError(f"{name} is too large: {len(data)} bytes of YAML, the limit is {YAML_LIMIT}")
    return _parse_yaml(text, name)


def parse_json_document(data: bytes, name: str) -> Document:
    return _parse_json(decode_text(data, name), name)


def _parse_json(text: str, name: str) -> Document:
    try:
        return Document(name, strict_json.loads(text), partial(_lines_of_json, text))
    except ValueError as error:
        raise InputError(f"{name}: not valid JSON: {error}") from None


def _lines_of_json(text: str) -> Mapping[KeyPath, int]:
    """Find the lines with the YAML parser, once there is an error to report.

    Nearly all JSON is YAML; there are no lines for the rest.
    """
    try:
        return _parse_yaml(text, "").lines() if len(text) <= YAML_LIMIT else {}
    except InputError:
        return {}


def _parse_yaml(text: str, name: str) -> Document:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _TreeBuilder(yaml.parse(text, Loader=loader), name).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        at_tab = mark is not None and text[mark.index : mark.index + 1] == "\t"
        reason = "a tab; indent and separate with spaces" if at_tab else error.problem or error.context
        raise InputError(f"{where}: {reason}") from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise InputError(f"{name}:{line}: {getattr(error, 'reason', error)}") from None


class _TreeBuilder:
    """Build a value and its line numbers from YAML parser events."""

    def __init__(self, events: Iterator[Any], name: str) -> None:
        import yaml
        from yaml.resolver import Resolver

        self._yaml: Any = yaml
        self._events = events
        self._name = name
        self._resolver: Any = Resolver()
        self._constructor: Any = yaml.constructor.SafeConstructor()
        self._lines: dict[KeyPath, int] = {}

    def document(self) -> Document:
        value: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, self._yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, "a second document")
            elif isinstance(event, self._yaml.NodeEvent):
                value = self._value(event, ())
        return Document(self._name, value, lambda: self._lines)

    def _value(self, event: Any, path: KeyPath) -> Any:
        self._lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, self._yaml.AliasEvent):
            self._refuse(event, f"an alias (*{event.anchor})")
        if event.anchor:
            self._refuse(event, f"an anchor (&{event.anchor})")
        if event.tag:
            self._refuse(event, f"a tag ({event.tag})")
        if len(path) > DEPTH:
            self._refuse(event, f"more than {DEPTH} levels")
        if isinstance(event, self._yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, self._yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event)

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), self._yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            key = self._value(event, (*path, "?"))
            if not isinstance(key, str):
                raise InputError(f"{self._name}:{line}: a key must be a plain word, not {key!r}")
            if event.value == "<<" and not event.style:
                self._refuse(event, "a merge key (<<)")
            if key in found:
                raise InputError(f"{self._name}:{line}: repeated key {key!r}")
            self._lines[(*path, key)] = line
            found[key] = self._value(next(self._events), (*path, key))
        self._lines.pop((*path, "?"), None)
        return found

    def _sequence(self, path: KeyPath) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), self._yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _scalar(self, event: Any) -> Any:
        """Read a scalar of JSON; YAML's dates and sexagesimals stay text.

        Octal numbers such as 017 are refused, because 17 or a text is meant.
        """
        text: str = event.value
        tag = None if event.style else self._resolver.resolve(self._yaml.ScalarNode, text, event.implicit)
        node = self._yaml.ScalarNode(tag, text)
        try:
            if not event.style and re.fullmatch(_JSON_NUMBER, text):
                return strict_json.loads(text)
            if tag == "tag:yaml.org,2002:int" and re.match(r"[-+]?0\d", text):
                raise ValueError(f"write {text.lstrip('0')} or '{text}'")
            if tag == "tag:yaml.org,2002:null":
                return None
            if tag == "tag:yaml.org,2002:bool":
                return self._constructor.construct_yaml_bool(node)
            if tag == "tag:yaml.org,2002:int" and ":" not in text:
                return strict_json.loads(str(self._constructor.construct_yaml_int(node)))
            if tag == "tag:yaml.org,2002:float" and ":" not in text:
                return strict_json.loads(repr(self._constructor.construct_yaml_float(node)))
        except ValueError as error:
            self._refuse(event, f"the number {text[:40]} ({error})")
        return text

    def _refuse(self, event: Any, what: str) -> NoReturn:
        raise InputError(f"{self._name}:{event.start_mark.line + 1}: {what} is not supported; plain YAML only")
