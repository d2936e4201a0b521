"""Tools in the API's format (api/README.md 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gemini_cli.config.request_options import TOOL_CHOICE_MODES
from gemini_cli.errors import UsageError

Tool = dict[str, Any]

FUNCTION_NAME = r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}"  # api/README.md 9.2


def parse_tool_choice(text: str) -> Any:
    """Parse `--tool-choice`: a mode, or the only function allowed (api/README.md 9.3)."""
    if text in TOOL_CHOICE_MODES:
        return text
    return {"allowed_tools": {"mode": "any", "tools": [text]}}


def add_server_headers(tools: Any, headers: Mapping[str, str]) -> list[Any]:
    """Add headers to the MCP servers among the tools; UsageError if there is none."""
    found = tools if isinstance(tools, list) else []
    if not any(map(_is_server, found)):
        raise UsageError("--tool-header has no effect without -T mcp_server=URL")
    return [
        {**tool, "headers": {**(tool.get("headers") or {}), **headers}} if _is_server(tool) else tool for tool in found
    ]


def redact_server_headers(tools: Any) -> Any:
    """Replace the values of the headers of MCP servers, for output."""
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
