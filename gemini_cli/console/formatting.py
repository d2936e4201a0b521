"""Format values as text. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gemini_cli.api.interaction import Citation, Interaction
from gemini_cli.formats import strict_json

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
HEREDOC_FROM = 100 * 1024  # bytes; Linux takes at most 128 KiB in one argument


def as_json(value: Any, *, pretty: bool) -> str:
    """JSON in one line, or indented."""
    return strict_json.dumps(value, indent=2 if pretty else None) + "\n"


def table(rows: Iterable[Sequence[Any]], *, aligned: bool = True) -> str:
    """Rows as text: columns aligned for a person, or separated by tabs for a program.

    For a person, times (RFC 3339, in UTC) are short and local.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if aligned:
        cells = [[_local_time(cell) for cell in row] for row in cells]
    else:
        return "".join("\t".join(row) + "\n" for row in cells)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "".join(line.rstrip() + "\n" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return " ".join((value if isinstance(value, str) else strict_json.dumps(value)).split())


def _local_time(cell: str) -> str:
    """A time as 2026-11-26 22:05; any other text as it is."""
    if not _TIME.fullmatch(cell):
        return cell
    from datetime import datetime

    try:
        return datetime.fromisoformat(f"{cell[:19]}+00:00").astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):  # no such day
        return cell


def dry_run(method: str, url: str, headers: Mapping[str, str], body: Any, *, pretty: bool, **about: Any) -> str:
    """The request as JSON, with further fields from `about`."""
    return as_json({**about, "method": method, "url": url, "headers": dict(headers), "body": body}, pretty=pretty)


def pending_calls(interaction: Interaction, *, pretty: bool) -> str:
    """The calls that the model waits for, as JSON for a script."""
    fields = [{key: call.get(key) for key in ("id", "name", "arguments")} for call in interaction.calls]
    return as_json({"interaction_id": interaction.id, "calls": fields}, pretty=pretty)


def curl(
    method: str, url: str, headers: Mapping[str, str], secrets: Mapping[str, str], data: str | None, *, stream: bool
) -> str:
    """The request as a curl command.

    `secrets` are headers whose values are expressions of the shell, such as `$GEMINI_API_KEY` for the key.
    """
    from shlex import quote

    lines = [f"curl -sS --fail-with-body {'-N ' if stream else ''}-X {method} {quote(url)}"]
    lines += [f'-H "{name}: {value}"' for name, value in secrets.items()]
    lines += [f"-H {quote(f'{name}: {value}')}" for name, value in headers.items()]
    start = " \\\n  ".join(lines)
    if data is None:
        return f"{start}\n"
    if len(data.encode()) < HEREDOC_FROM:
        return f"{start} \\\n  --data-binary {quote(data)}\n"
    return f"{start} \\\n  --data-binary @- <<'END_OF_BODY'\n{data}\nEND_OF_BODY\n"


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 row, 2,240 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def trailing_newline(text: str) -> str:
    """The newline that a text lacks at its end."""
    return "" if text.endswith("\n") else "\n"


def citation_list(sources: Sequence[Citation]) -> str:
    if not sources:
        return ""
    return "\n".join(["", "Citations:", *map(_citation, sources), ""])


def _citation(source: Citation) -> str:
    title = _one_line(source.title)
    return f"- [{title}]({''.join(source.url.split())})" if source.url else f"- {title}"


def _one_line(title: str) -> str:
    return " ".join(title.split()).replace("[", "\\[").replace("]", "\\]")


def code_execution(step: Mapping[str, Any]) -> str:
    """The code of a code_execution_call or the output of a code_execution_result."""
    if step.get("type") == "code_execution_call":
        arguments = step.get("arguments")
        return str(arguments.get("code") or "") if isinstance(arguments, dict) else ""
    if step.get("type") == "code_execution_result":
        result = step.get("result") or ""
        return result if isinstance(result, str) else strict_json.dumps(result)
    return ""


_COUNTS = (
    ("total_input_tokens", "input", True),
    ("total_cached_tokens", "cached", False),
    ("total_tool_use_tokens", "tool use", False),
    ("total_output_tokens", "output", True),
    ("total_thought_tokens", "thought", True),
)


def usage_line(counted: Mapping[str, Any]) -> str:
    """The server's token counts (api/README.md 6.8); rare ones only if not 0."""
    counts = {key: count for key, count in counted.items() if isinstance(count, int)}
    output_options = [
        f"{counts[key]} {word}" for key, word, always in _COUNTS if counts.get(key) or (always and key in counts)
    ]
    if "total_tokens" in counts:
        output_options.append(f"{counts['total_tokens']} total tokens")
    return f"usage: {', '.join(output_options) or 'not reported'}"
