"""Read the tools of `-T`: the API's flat list (api/README.md 9.1), and the keys that stay local."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gemini_cli import documents
from gemini_cli.documents import Document, KeyPath
from gemini_cli.errors import InputError, UsageError
from gemini_cli.keys import VARIABLES

Tool = dict[str, Any]

BUILT_IN = ("google_search", "code_execution", "url_context", "google_maps", "computer_use")
SPELLINGS = (*BUILT_IN, "file_search=STORE", "mcp_server=URL")
MODES = ("auto", "any", "none", "validated")  # of the choice among tools (api/README.md 9.3)
FUNCTION_NAME = r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}"  # api/README.md 9.2
HEADER_LIMIT = 8 * 1024  # bytes
_HEADER = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # RFC 9110, 5.1


class Function(NamedTuple):
    """A declared function. `local` holds its LOCAL_KEYS, checked; `path` is where it stands in the document."""

    name: str
    parameters: dict[str, Any]
    local: dict[str, Any]
    document: Document
    path: KeyPath

    def fault(self, key: str, message: str) -> InputError:
        return self.document.fault((*self.path, key), message)


class Declared(NamedTuple):
    """Tools as they are sent, and the functions among them."""

    tools: list[Tool]
    functions: list[Function]


def spelled(words: Sequence[str]) -> Declared:
    """Every `-T`, in order; a file may hold several. InputError, with file and line, for what is wrong in a file."""
    return _joined([_spelled(word) for word in words])


def declared(document: Document, value: Any, path: KeyPath) -> Declared:
    """A list of tools that stands in a document. A declaration without `type` is a function."""
    if not isinstance(value, list) or not value:
        raise document.fault(path, "tools are a list of declarations")
    return _joined([_tool(document, tool, (*path, place)) for place, tool in enumerate(value)])


def choice(text: str) -> Any:
    """The value of `--tool-choice`: a mode, or the one function that may be called (api/README.md 9.3)."""
    if text in MODES:
        return text
    return {"allowed_tools": {"mode": "any", "tools": [text]}}


def header(text: str) -> tuple[str, str]:
    """`--tool-header NAME=@FILE`: the name, and the value out of the file, so that it is in no list of processes."""
    name, _, path = text.partition("=@")
    if not re.fullmatch(_HEADER, name) or not path:
        raise UsageError("--tool-header: write NAME=@FILE; the value does not belong on the command line")
    value = documents.decode(documents.read_bytes(path, limit=HEADER_LIMIT), path).removesuffix("\n")
    if not value.isprintable() or not value.isascii() or value != value.strip() or not value:
        raise InputError(f"{path} does not hold one line of printable ASCII, as a header must be")
    return name, value


def with_headers(tools: Any, headers: Mapping[str, str]) -> list[Any]:
    """The tools of a body, with headers for each server among them; UsageError if there is none."""
    found = tools if isinstance(tools, list) else []
    if not any(map(_is_server, found)):
        raise UsageError("--tool-header has no effect without -T mcp_server=URL")
    return [
        {**tool, "headers": {**(tool.get("headers") or {}), **headers}} if _is_server(tool) else tool for tool in found
    ]


def without_secrets(tools: Any) -> Any:
    """The tools of a body, to be shown: what servers are told in headers is nobody else's."""
    if not isinstance(tools, list):
        return tools
    return [
        {**tool, "headers": dict.fromkeys(tool["headers"], "[redacted]")}
        if _is_server(tool) and "headers" in tool
        else tool
        for tool in tools
    ]


def _is_server(tool: Any) -> bool:
    return isinstance(tool, dict) and tool.get("type") == "mcp_server" and isinstance(tool.get("headers", {}), dict)


def _spelled(word: str) -> Declared:
    name, _, value = word.partition("=")
    if word in BUILT_IN:
        return Declared([{"type": word}], [])
    if name == "file_search" and value:
        return Declared([{"type": "file_search", "file_search_store_names": value.split(",")}], [])
    if name == "mcp_server" and value:
        return Declared([{"type": "mcp_server", "name": _server_name(value), "url": value}], [])
    if os.path.exists(word) or "/" in word or "." in word:
        return _file(documents.load(word))
    raise UsageError(f"-T {word}: not a built-in tool ({' '.join(SPELLINGS)}) and not a file")


def _file(document: Document) -> Declared:
    """A list of tools, `{tools: [...]}`, or a single one."""
    value: Any = document.value
    if not isinstance(value, dict):
        return declared(document, value, ())
    return declared(document, value["tools"], ("tools",)) if "tools" in value else _tool(document, value, ())


def _joined(parts: Sequence[Declared]) -> Declared:
    functions: dict[str, Function] = {}
    for function in (function for part in parts for function in part.functions):
        if function.name in functions:
            raise function.fault("name", f"{function.name} is declared twice")
        functions[function.name] = function
    return Declared([tool for part in parts for tool in part.tools], list(functions.values()))


def _tool(document: Document, tool: Any, path: KeyPath) -> Declared:
    if not isinstance(tool, dict):
        raise document.fault(path, "a tool is a map")
    kind = tool.get("type", "function")
    if not isinstance(kind, str):
        raise document.fault((*path, "type"), "the type of a tool is a name")
    if kind != "function":
        return Declared([tool], [])
    function = _function(document, tool, path)
    return Declared(
        [{"type": kind, **{key: value for key, value in tool.items() if key not in LOCAL_KEYS}}], [function]
    )


def _function(document: Document, tool: Tool, path: KeyPath) -> Function:
    if not isinstance(tool.get("name"), str) or not re.fullmatch(FUNCTION_NAME, tool["name"]):
        raise document.fault((*path, "name"), f"not a function name: {tool.get('name')!r}")
    if "parameters" in tool:
        from gemini_cli import schema

        schema.check(document, (*path, "parameters"))
    local = {key: tool[key] for key in LOCAL_KEYS if key in tool}
    for key, value in local.items():
        fits, wanted = LOCAL_KEYS[key]
        if not fits(value):
            raise document.fault((*path, key), f"{key} must be {wanted}")
    return Function(tool["name"], tool.get("parameters", {}), local, document, path)


def _words(value: Any) -> bool:
    """A program and its arguments."""
    return _texts(value) and value[0] != "" and not any("\0" in word for word in value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(isinstance(word, str) for word in value)


def _seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and math.isfinite(value)


def _variables(value: Any) -> bool:
    names = value if _texts(value) else [""]
    return all(re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) and name not in VARIABLES for name in names)


def _mime_type(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w.+-]+/[\w.+-]+", value) is not None


# What a declaration may say for us alone: how to run it here. It never leaves this machine.
LOCAL_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "run": (_words, "a list of text: a program and its arguments"),
    "timeout": (_seconds, "seconds, more than 0"),
    "env": (_variables, f"a list of names of variables; {' and '.join(VARIABLES)} are never passed on"),
    "content_type": (_mime_type, "a MIME type, such as image/png"),
}


def _server_name(url: str) -> str:
    """The API wants a name without dashes; the host says which server it is."""
    host = urlsplit(url).hostname
    if not host:
        raise InputError(f"-T mcp_server={url}: not a URL")
    return re.sub(r"\W", "_", host)
