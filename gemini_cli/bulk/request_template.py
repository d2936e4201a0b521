"""Make the request of each row of `map` and `batch` from a template.

Rule 1. With a prompt (`-p`), a row is data: its fields fill the `{name}` in the prompt, and nothing else of it is sent.
Rule 2. Without one, a row is a request: its `input` or `prompt`, and its other fields override the template's.
Rule 3. A row that is a string is the same as an object with this `input`.
Rule 4. A row `{"key", "request"}`, as the Batch API has it, is the same as its `request`.
Rule 5. `key`, `id` and `custom_id` name the row, and are never sent.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from typing import Any

from gemini_cli.api.body import Body
from gemini_cli.api.request import INPUT_FIELDS, apply_defaults, overlay
from gemini_cli.bulk.rows import KEY_FIELDS, Row, row_fields
from gemini_cli.errors import InputError, UsageError
from gemini_cli.files.content_parts import Attachment, Part, is_address, join_prompt, text_part, user_input
from gemini_cli.files.local_file import links_outside
from gemini_cli.formats import strict_json

PROMPT_FIELDS = ("input", "prompt")
SHOWN_AROUND = 20  # characters on each side of a brace that stands alone
EMPTY_PROMPT = "its prompt is empty"
STANDS_ALONE = "its input is no content, so the profile's prompt and -a cannot go with it"

_TOKENS = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]")


class TextTemplate:
    """A text with `{name}` for a field and `{_}` for the whole row.

    `{_}` is the JSON of an object, and a string as it is. `{{` and `}}` stand for braces.
    """

    def __init__(self, text: str, origin: str) -> None:
        """UsageError for a brace that stands alone."""
        self.text = text
        tokens = list(_TOKENS.finditer(text))
        self.constant = all(token[0] in ("{{", "}}") for token in tokens)
        if alone := next((token for token in tokens if token[0] in ("{", "}", "{}")), None):
            around = text[max(alone.start() - SHOWN_AROUND, 0) : alone.end() + SHOWN_AROUND]
            raise UsageError(f"{origin}: {around!r}: write {{name}} for a field, {{{{ and }}}} for braces")

    def fill(self, value: str | dict[str, Any]) -> str:
        """The text for a row; InputError for a field that it lacks."""
        return _TOKENS.sub(lambda match: _filled(match[0], value), self.text)

    def values(self, value: str | dict[str, Any]) -> list[str]:
        """The texts that a row fills in, one for each field."""
        return [_filled(token, value) for token in _TOKENS.findall(self.text) if token not in ("{{", "}}")]

    @property
    def directory(self) -> str:
        """The directory in the text before the first field, if the text is a path."""
        first = next((match.start() for match in _TOKENS.finditer(self.text) if match[0] not in ("{{", "}}")), None)
        return posixpath.dirname(self.text[:first])


def _filled(token: str, value: str | dict[str, Any]) -> str:
    if token in ("{{", "}}"):
        return token[0]
    name, fields = token[1:-1], row_fields(value)
    if name != "_" and name not in fields:
        raise InputError(f"it has no field {name!r}, only {', '.join(list(fields)[:10]) or 'none'}")
    filled = value if name == "_" else fields[name]
    return filled if isinstance(filled, str) else strict_json.dumps(filled)


def _check_path(attach: TextTemplate, name: str, source: str, values: Sequence[str]) -> None:
    """InputError if a row leads out of the directory of `-a`, or adds a type.

    The rows of a file may come from another person, who must not choose the files that are sent. `name` is the filled
    text, `source` is without the type.
    """
    if name.count(";type=") > attach.text.count(";type="):
        raise InputError(f"it attaches {name!r}: a row cannot set the type (--allow-paths)")
    if is_address(source):
        return
    directory, path = posixpath.normpath(attach.directory or "."), posixpath.normpath(source)
    below = path if directory == "." else path.removeprefix(f"{directory}/")
    inside = (directory == "." or below != path) and below.split("/")[0] not in ("", "..")
    if not inside or links_outside(source, directory) or any(value.startswith("/") for value in values):
        raise InputError(f"it attaches {source!r}, which is outside of {directory!r} (--allow-paths)")


class RequestTemplate:
    """The request of all rows (`body`), its prompt and attachments as templates.

    `prompt_origin` is the option or the file of the prompt, for messages. `prefix` is the profile's prompt. `attached`
    makes content parts of attachments, `attached_by_row` of those that a row names. `digest_parts` are settings beside
    the body that change the answer. `generate_content`: requests are sent in that format, so rows may be in it.
    `allow_paths`: rows may name any file of this machine.
    """

    def __init__(
        self,
        body: Body,
        *,
        digest_parts: Sequence[object],
        prompt: str | None,
        prompt_origin: str = "-p",
        prefix: str,
        attach: Sequence[str],
        attached: Callable[[Sequence[str]], list[Part]],
        attached_by_row: Callable[[Sequence[Attachment]], list[Part]],
        generate_content: bool = False,
        allow_paths: bool = False,
    ) -> None:
        self._body = body
        self._allow_paths = allow_paths
        self._generate_content = generate_content
        self._prompt = TextTemplate(prompt, prompt_origin) if prompt is not None else None
        self._prefix = prefix
        self._attach = [TextTemplate(text, "-a") for text in attach]
        self._attached_by_row = attached_by_row
        self._common = {each: attached([each.fill("")]) for each in self._attach if each.constant}
        self._digest_base = strict_json.dumps([body, prompt, prefix, list(attach), list(digest_parts)])

    @property
    def shared_parts(self) -> list[Part]:
        """The attachments of every row.

        They are to be resolved first, or each row would upload its files again.
        """
        return [part for parts in self._common.values() for part in parts]

    def digest(self, row: Row) -> str:
        """A digest that changes with the row and the settings of all rows.

        It does not change with the content of attached files.
        """
        import hashlib  # 2 ms, and only needed for a checkpoint

        return hashlib.sha256(f"{self._digest_base}\n{strict_json.dumps(row.value)}".encode()).hexdigest()[:32]

    def fill(self, row: Row) -> Body:
        """The request body of a row; InputError, with its line, if it cannot be one."""
        try:
            return apply_defaults(self._template_options(row), stream=False)
        except (InputError, UsageError) as error:
            raise row.input_error(error.message) from None
        except RecursionError:
            raise row.input_error("nested too deeply") from None

    def _template_options(self, row: Row) -> Body:
        named = [self._common.get(each) or self._named(each, row.value) for each in self._attach]
        # A copy for each row, because `resolve` changes the parts.
        attached = [{**part} for parts in named for part in parts]
        if self._prompt is not None:
            return {**self._body, "input": self._input(self._prompt.fill(row.value), attached)}
        fields = self._request_fields(row_fields(row.value))
        request = {key: value for key, value in fields.items() if key not in (*KEY_FIELDS, *PROMPT_FIELDS)}
        body, prompts = overlay(self._body, request), [fields[name] for name in PROMPT_FIELDS if fields.get(name)]
        if not prompts and any(key in request for key in INPUT_FIELDS):
            if self._prefix or attached:
                raise InputError(STANDS_ALONE)
            return body
        if not prompts and any(fields.get(name) == "" for name in PROMPT_FIELDS):
            raise InputError(EMPTY_PROMPT)
        if len(prompts) != 1:
            raise InputError("it has both input and prompt" if prompts else "it has neither input nor prompt")
        return {**body, "input": self._input(prompts[0], attached)}

    def _request_fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields of the request; InputError for a row in the format of another API."""
        request = fields.get("request")
        if any(fields.get(name) is not None for name in (*PROMPT_FIELDS, *INPUT_FIELDS)):
            return fields
        if "request" in fields and not isinstance(request, dict):
            raise InputError(f"its request is {strict_json.dumps(request)[:40]}, not a map")
        if isinstance(request, dict):
            beside = fields.keys() - {"request", "metadata", *KEY_FIELDS}
            if beside:
                raise InputError(f"its {sorted(beside)[0]!r} stands beside the request, and would not be sent")
            if "contents" in request and not self._generate_content:
                raise InputError("its request is in generateContent's words; add --api generate-content")
            if not any(name in request for name in (*PROMPT_FIELDS, *INPUT_FIELDS)):
                raise InputError("its request has no contents")
            return request
        for name, owner in (("body", "OpenAI"), ("params", "Anthropic")):
            if isinstance(fields.get(name), dict) and ("messages" in fields[name] or "url" in fields):
                raise InputError(f'it is a row of {owner}\'s batch API; write rows {{"key": …, "input": …}}')
        return fields

    def _named(self, attach: TextTemplate, value: str | dict[str, Any]) -> list[Part]:
        name = attach.fill(value)
        attachment = Attachment.parse(name)
        if attachment.source == "-":
            raise InputError("a row cannot attach stdin")
        if not self._allow_paths:
            _check_path(attach, name, attachment.source, attach.values(value))
        return self._attached_by_row([attachment])

    def _input(self, turn_input: Any, attached: list[Part]) -> Any:
        """Put the profile's prompt before an input, and attachments after it.

        Text and content parts can be extended; a list of steps cannot.
        """
        if isinstance(turn_input, str):
            content = user_input(join_prompt(self._prefix, turn_input), attached, None)
            if content is None:
                raise InputError(EMPTY_PROMPT)
            return content
        if not self._prefix and not attached:
            return turn_input
        parts = [turn_input] if isinstance(turn_input, dict) else turn_input
        if not isinstance(parts, list) or any("content" in part for part in parts if isinstance(part, dict)):
            raise InputError(STANDS_ALONE)
        return [*([text_part(self._prefix)] if self._prefix else []), *parts, *attached]
