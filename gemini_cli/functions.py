"""Tools: what `-T` says -> the API's flat list of tools (reference.md 9.1)."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from gemini_cli import documents
from gemini_cli.documents import Document, KeyPath
from gemini_cli.errors import InputError, UsageError

Tool = dict[str, Any]

BUILT_IN = ("google_search", "code_execution", "url_context", "google_maps", "computer_use")
SPELLINGS = (*BUILT_IN, "file_search=STORE", "mcp_server=URL")
FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")

# What a declaration may say for us alone: how to run it here. It never leaves this machine.
LOCAL_KEYS = ("run", "timeout", "env", "content_type")


def tools(spelled: Sequence[str]) -> list[Tool]:
    """Every `-T`, in order; a file may hold several."""
    return [tool for spelling in spelled for tool in _tools(spelling)]


def choice(spelled: str) -> Any:
    """`--tool-choice`: a mode, or the one function that may be called (reference.md 9.2)."""
    if spelled in ("auto", "any", "none", "validated"):
        return spelled
    return {"allowed_tools": {"mode": "any", "tools": [spelled]}}


def _tools(spelling: str) -> list[Tool]:
    name, _, value = spelling.partition("=")
    if spelling in BUILT_IN:
        return [{"type": spelling}]
    if name == "file_search" and value:
        return [{"type": "file_search", "file_search_store_names": value.split(",")}]
    if name == "mcp_server" and value:
        return [{"type": "mcp_server", "name": _server_name(value), "url": value}]
    if os.path.exists(spelling) or "/" in spelling or "." in spelling:
        return _declared(documents.load(spelling))
    raise UsageError(f"-T {spelling}: not a built-in tool ({' '.join(SPELLINGS)}) and not a file")


def _declared(document: Document) -> list[Tool]:
    """A list of tools, `{tools: [...]}` or a single one; a declaration without `type` is a function."""
    value: Any = document.value
    path: KeyPath = ()
    if isinstance(value, dict):
        value, path = (value["tools"], ("tools",)) if "tools" in value else ([value], ())
    if not isinstance(value, list) or not value:
        raise document.fault(path, "tools are a list of declarations")
    return [_checked(document, tool, (*path, place)) for place, tool in enumerate(value)]


def _checked(document: Document, tool: Any, path: KeyPath) -> Tool:
    if not isinstance(tool, dict):
        raise document.fault(path, "a tool is a map")
    kind = tool.get("type", "function")
    if not isinstance(kind, str):
        raise document.fault((*path, "type"), "the type of a tool is a name")
    sent = {"type": kind, **{key: value for key, value in tool.items() if key not in LOCAL_KEYS}}
    if kind == "function":
        if not isinstance(tool.get("name"), str) or not FUNCTION_NAME.fullmatch(tool["name"]):
            raise document.fault((*path, "name"), f"not a function name: {tool.get('name')!r}")
        if not isinstance(tool.get("parameters", {}), dict):
            raise document.fault((*path, "parameters"), "parameters are a JSON Schema")
    return sent


def _server_name(url: str) -> str:
    """The API wants a name without dashes; the host says which server it is."""
    host = urlsplit(url).hostname
    if not host:
        raise InputError(f"-T mcp_server={url}: not a URL")
    return re.sub(r"\W", "_", host)
