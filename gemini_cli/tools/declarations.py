"""Read the tools of `-T` (api/README.md 9.1), and the keys that stay local.

Declarations written for other programs are converted: generateContent's `functionDeclarations`, MCP's `inputSchema` and
its answer to `tools/list`, Anthropic's `input_schema`, and OpenAI's `{"type": "function", "function": {…}}`.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gemini_cli.api.body import REQUEST_LIMIT
from gemini_cli.api.field_names import to_snake_case
from gemini_cli.api.tool_types import FUNCTION_NAME, Tool
from gemini_cli.config.api_key import KEY_VARIABLES
from gemini_cli.config.request_options import BUILT_IN_TOOLS, TOOL_NAMES
from gemini_cli.errors import InputError, UsageError
from gemini_cli.formats import documents, mime_types
from gemini_cli.formats.documents import Document, KeyPath

# The names of the JSON Schema of a function's arguments: the API's own, generateContent's, MCP's and Anthropic's.
SCHEMA_KEYS = (
    "parameters",
    "parametersJsonSchema",
    "parameters_json_schema",
    "inputSchema",
    "input_schema",
)
# Keys of other programs that this API has no word for: MCP's, OpenAI's and Anthropic's.
FOREIGN_KEYS = (
    "title",
    "annotations",
    "outputSchema",
    "icons",
    "execution",
    "_meta",
    "strict",
    "cache_control",
    "input_examples",
    "defer_loading",
    "eager_input_streaming",
)


class Function(NamedTuple):
    """A declared function.

    `local` holds its LOCAL_KEYS, checked; `path` is its place in the document.
    """

    name: str
    parameters: dict[str, Any]
    local: dict[str, Any]
    document: Document
    path: KeyPath

    def error_at(self, key: str, message: str) -> InputError:
        return self.document.error_at((*self.path, key), message)


class ToolDeclarations(NamedTuple):
    """Tools as they are sent, and the functions among them."""

    tools: list[Tool]
    functions: list[Function]


def parse_tool_options(words: Sequence[str]) -> ToolDeclarations:
    """Read every `-T`, in order; InputError, with file and line, for a bad file."""
    return _joined([_spelled(word) for word in words])


def parse_declarations(document: Document, value: Any, path: KeyPath) -> ToolDeclarations:
    """Read a list of tools in a document.

    A declaration without `type` is a function.
    """
    if not isinstance(value, list) or not value:
        raise document.error_at(path, "tools are a list of declarations")
    return _joined([_tool(document, tool, (*path, index)) for index, tool in enumerate(value)])


def _spelled(word: str) -> ToolDeclarations:
    name, _, value = word.partition("=")
    if word in BUILT_IN_TOOLS:
        return ToolDeclarations([{"type": word}], [])
    if name == "file_search" and value:
        return ToolDeclarations([{"type": "file_search", "file_search_store_names": value.split(",")}], [])
    if name == "mcp_server" and value:
        return ToolDeclarations([{"type": "mcp_server", "name": _server_name(value), "url": value}], [])
    if os.path.exists(word) or "/" in word or "." in word:
        return _file(documents.load_document(word, limit=REQUEST_LIMIT))
    raise UsageError(f"-T {word}: not a built-in tool ({' '.join(TOOL_NAMES)}) and not a file")


def _file(document: Document) -> ToolDeclarations:
    """The tools of a file.

    A list, `{tools: [...]}`, the same as the `result` of a JSON-RPC answer, or a single tool.
    """
    value: Any = document.value
    path: KeyPath = ()
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        value, path = value["result"], ("result",)
    if not isinstance(value, dict):
        return parse_declarations(document, value, path)
    if "tools" in value:
        return parse_declarations(document, value["tools"], (*path, "tools"))
    return _tool(document, value, path)


def _joined(parts: Sequence[ToolDeclarations]) -> ToolDeclarations:
    functions: dict[str, Function] = {}
    for function in (function for part in parts for function in part.functions):
        if function.name in functions:
            raise function.error_at("name", f"{function.name} is declared twice")
        functions[function.name] = function
    return ToolDeclarations([tool for part in parts for tool in part.tools], list(functions.values()))


def _tool(document: Document, tool: Any, path: KeyPath) -> ToolDeclarations:
    if not isinstance(tool, dict):
        raise document.error_at(path, "a tool is a map")
    kind = tool.get("type", "function")
    if not isinstance(kind, str):
        raise document.error_at((*path, "type"), "the type of a tool is a name")
    if "type" not in tool and "name" not in tool and (converted := _older_tool(document, tool, path)):
        return converted
    if kind not in ("function", "custom"):  # `custom` is Anthropic's word
        return ToolDeclarations([tool], [])
    declared, path = _flat(document, tool, path)
    function = _function(document, declared, path)
    sent = {key: value for key, value in declared.items() if key not in (*LOCAL_KEYS, *FOREIGN_KEYS, *SCHEMA_KEYS)}
    schema = {"parameters": function.parameters} if any(key in declared for key in SCHEMA_KEYS) else {}
    return ToolDeclarations([{**sent, "type": "function", **schema}], [function])


def _older_tool(document: Document, tool: Tool, path: KeyPath) -> ToolDeclarations | None:
    """A tool of generateContent, an object with a key for each kind; else None."""
    parts: list[ToolDeclarations] = []
    for key, value in tool.items():
        kind = to_snake_case(key)
        if kind == "function_declarations":
            parts.append(parse_declarations(document, value, (*path, key)))
        elif kind in (*BUILT_IN_TOOLS, "file_search") and isinstance(value, dict):
            parts.append(ToolDeclarations([{"type": kind, **{to_snake_case(k): v for k, v in value.items()}}], []))
        else:
            return None
    return _joined(parts) if parts else None


def _flat(document: Document, tool: Tool, path: KeyPath) -> tuple[Tool, KeyPath]:
    """A declaration, and its path, without OpenAI's `function` around it."""
    inner = tool.get("function")
    if inner is None or "name" in tool:
        return tool, path
    if not isinstance(inner, dict):
        raise document.error_at((*path, "function"), "the function of a tool is a map")
    return {**{key: value for key, value in tool.items() if key != "function"}, **inner}, (*path, "function")


def _function(document: Document, tool: Tool, path: KeyPath) -> Function:
    if not isinstance(tool.get("name"), str) or not re.fullmatch(FUNCTION_NAME, tool["name"]):
        raise document.error_at((*path, "name"), f"not a function name: {tool.get('name')!r}")
    schemas = [key for key in SCHEMA_KEYS if key in tool]
    if len(schemas) > 1:
        raise document.error_at((*path, schemas[1]), f"{schemas[0]} and {schemas[1]} are the same")
    parameters: dict[str, Any] = {}
    if schemas:
        from gemini_cli.formats import json_schema, schema_dialect

        json_schema.check_schema(document, (*path, schemas[0]))
        parameters = schema_dialect.to_json_schema(tool[schemas[0]])
    local = {key: tool[key] for key in LOCAL_KEYS if key in tool}
    for key, value in local.items():
        fits, wanted = LOCAL_KEYS[key]
        if not fits(value):
            raise document.error_at((*path, key), f"{key} must be {wanted}")
    return Function(tool["name"], parameters, local, document, path)


def _words(value: Any) -> bool:
    """Whether a value is a program and its arguments."""
    return _texts(value) and value[0] != "" and not any("\0" in word for word in value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(isinstance(word, str) for word in value)


def _seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and math.isfinite(value)


def _variables(value: Any) -> bool:
    names = value if _texts(value) else [""]
    return all(re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) and name not in KEY_VARIABLES for name in names)


def _mime_type(value: Any) -> bool:
    return isinstance(value, str) and mime_types.is_mime_type(value)


# How to run a function on this machine. These keys are never sent.
LOCAL_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "run": (_words, "a list of text: a program and its arguments"),
    "timeout": (_seconds, "seconds, more than 0"),
    "env": (_variables, f"a list of names of variables; {' and '.join(KEY_VARIABLES)} are never passed on"),
    "content_type": (_mime_type, "a MIME type, such as image/png"),
}


def _server_name(url: str) -> str:
    """A name without dashes, as the API wants it, from the host of a server."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        raise UsageError(f"-T mcp_server={url}: not a URL")
    return re.sub(r"\W", "_", host)
