"""The emulated model: a deterministic answer.

The text is made for assertions: the turn and the model, each part with its type and size, the results of functions,
the system instruction, earlier turns, and the sentences of tools. A script may replace it.
"""

import base64
import json
import zlib
from typing import Any, NamedTuple

from . import tokens
from .conversation import Part, Step, function_results, group_turns, join_text, part_size, result_names, user_parts
from .functions import FunctionDeclaration, ToolChoice, choose_calls, make_function_call
from .media import MEDIA_KINDS, media_part
from .sample import sample_value
from .script import ScriptLine, ScriptSubject
from .tools import Sentence, ToolUse, use_tools

QUOTE_LENGTH = 60
# The tokens of a thought.
THOUGHT_TOKENS = 16
# Statuses of answers that have no text unless a script gives one.
FAILURES = ("queued", "in_progress", "incomplete", "failed", "cancelled", "budget_exceeded")


class ModelRequest(NamedTuple):
    """A request of either API, translated to steps.

    `tool_tokens` is the size of the declared tools; `number` makes the ids of equal requests different.
    """

    model: str
    steps: list[Step]
    system: str = ""
    functions: tuple[FunctionDeclaration, ...] = ()
    choice: ToolChoice = ToolChoice()
    tools: tuple[str, ...] = ()
    thinking: bool = True
    summaries: bool = False
    json: bool = False
    schema: Any = None
    media: tuple[str, ...] = ()
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()
    cap: int | None = None
    offset: int = 0
    line: ScriptLine | None = None
    tool_tokens: int = 0
    candidates: int = 1
    number: int = 0

    @property
    def turn(self) -> int:
        return len(group_turns(self.steps)) or 1

    @property
    def prompt(self) -> str:
        """The text of the latest turn."""
        groups = group_turns(self.steps)
        return join_text(user_parts(groups[-1])) if groups else ""

    @property
    def subject(self) -> ScriptSubject:
        """The properties that a script looks at."""
        groups = group_turns(self.steps)
        first = join_text(user_parts(groups[0])) if groups else ""
        return ScriptSubject(self.prompt, self.model, self.system, self.turn, result_names(self.steps), first)


class ModelAnswer(NamedTuple):
    """An answer; `offset` is the start of the rest of its text, None at the end."""

    steps: list[Step]
    status: str
    usage: dict[str, Any]
    errors: tuple[dict[str, Any], ...] = ()
    offset: int | None = None


class LimitedText(NamedTuple):
    """A piece of the whole text, the status it gives, and the start of the rest."""

    piece: str
    status: str
    offset: int | None


def generate_answer(request: ModelRequest) -> ModelAnswer:
    line = request.line or ScriptLine()
    silent = line.reply is None and not line.calls and (line.status in FAILURES or bool(line.errors))
    called = [] if silent else _calls(request, line)
    used = ToolUse([], []) if silent or line.reply is not None else use_tools(list(request.tools), request.prompt)
    content: list[Part] = []
    text = LimitedText("", "completed", None)
    if not silent and (line.reply is not None or not called):
        content, text = _output(request, line, used)
    steps = [] if silent else [*_ordered_steps(request, content, used.steps), *called]
    steps = steps if line.steps is None else list(line.steps)
    status = line.status or ("failed" if line.errors else "requires_action" if called else text.status)
    usage = line.usage or _usage(request, text, called, content, steps)
    return ModelAnswer(steps, status, usage, line.errors, text.offset)


def _ordered_steps(request: ModelRequest, content: list[Part], used: list[Step]) -> list[Step]:
    """The steps of the answer in the order of the model (api/README.md 4.7)."""
    output = [{"content": content, "type": "model_output"}] if content else []
    if not request.model.startswith("gemini-2.5"):
        return [*used, _thought(request), *output]
    # Models of 2.5 have their searches after the text; code and its result come before the text in any case.
    code = [step for step in used if step["type"].startswith("code_execution")]
    return [*code, _thought(request), *output, *(step for step in used if step not in code)]


def _usage(
    request: ModelRequest, text: LimitedText, called: list[Step], content: list[Part], steps: list[Step]
) -> dict[str, Any]:
    spent = tokens.text_tokens(text.piece) + sum(tokens.text_tokens(json.dumps(each["arguments"])) for each in called)
    spent += sum(MEDIA_KINDS[part["type"]].tokens for part in content if part["type"] != "text")
    read = tokens.step_tokens(request.steps)
    read["text"] = read.get("text", 0) + tokens.text_tokens(request.system) + request.tool_tokens
    searches = sum(step["type"] == "google_search_call" for step in steps)
    outputs = [str(step.get("result", "")) for step in steps if step["type"] == "code_execution_result"]
    code = sum(map(tokens.text_tokens, outputs))
    return tokens.build_usage(read, spent, THOUGHT_TOKENS if request.thinking else 0, searches, code)


def _calls(request: ModelRequest, line: ScriptLine) -> list[Step]:
    if line.calls:
        return [
            make_function_call(name, arguments, f"{request.number} {request.turn} {index}")
            for index, (name, arguments) in enumerate(line.calls)
        ]
    if line.reply is not None or line.steps is not None:
        return []
    groups = group_turns(request.steps)
    if groups and function_results(groups[-1]) and request.choice.mode != "any":
        return []
    seed = f"{request.number} {request.turn}"
    earlier = [str(step.get("name")) for step in request.steps if step["type"] == "function_call"]
    return choose_calls(list(request.functions), request.choice, request.prompt, seed, earlier)


def _thought(request: ModelRequest) -> Step:
    """A thought with a signature, in every answer (api/README.md 4.3)."""
    mark = f"emulator thought {request.turn} {zlib.crc32(request.prompt.encode('utf-8', 'replace')):08x}"
    scripted = request.line.signature if request.line else None
    step: Step = {"signature": scripted or base64.b64encode(mark.encode()).decode(), "type": "thought"}
    if request.summaries and request.thinking:
        summary = "**Reading the request**\n\nThe emulator counts the parts and does not think.\n\n\n"
        step["summary"] = [{"text": summary, "type": "text"}]
    return step


def _output(request: ModelRequest, line: ScriptLine, used: ToolUse) -> tuple[list[Part], LimitedText]:
    media = [media_part(kind) for kind in request.media]
    annotations: list[dict[str, Any]] = []
    if line.reply is not None:
        filled = _filled(line.reply, request)
        whole = filled if isinstance(filled, str) else json.dumps(filled, ensure_ascii=False)
    elif request.schema is not None:
        whole = json.dumps(sample_value(request.schema), ensure_ascii=False)
    elif request.json:
        reply = {"emulator": True, "model": request.model, "turn": request.turn, "prompt": request.prompt}
        whole = json.dumps(reply, ensure_ascii=False)
    elif media:
        whole = ""
    else:
        whole, annotations = _text(request, used)
    text = _limited(whole, request)
    part: Part = {"text": text.piece, "type": "text"}
    length = len(text.piece.encode("utf-8", "surrogatepass"))
    whole_annotations = [each for each in annotations if request.offset == 0 and each["end_index"] <= length]
    if whole_annotations:
        part["annotations"] = whole_annotations
    return ([part] if text.piece else []) + media, text


def _filled(value: Any, request: ModelRequest) -> Any:
    """A scripted reply with its placeholders filled in, at any depth."""
    if isinstance(value, str):
        return value.replace("{prompt}", request.prompt).replace("{turn}", str(request.turn))
    if isinstance(value, dict):
        return {key: _filled(each, request) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, request) for each in value]
    return value


def _limited(whole: str, request: ModelRequest) -> LimitedText:
    """Apply stop sequences, token limit, and limit of a response (api/README.md 8.11)."""
    for stop in request.stops:
        whole = whole.split(stop, 1)[0] if stop else whole
    allowed = whole if request.max_tokens is None else tokens.truncate_to_tokens(whole, request.max_tokens)
    ending = "completed" if allowed == whole else "incomplete"
    rest = allowed[request.offset :]
    piece = rest if request.cap is None else tokens.truncate_to_tokens(rest, request.cap)
    if piece != rest:
        return LimitedText(piece, "requires_continuation", request.offset + len(piece))
    return LimitedText(piece, ending, None)


def _text(request: ModelRequest, used: ToolUse) -> tuple[str, list[dict[str, Any]]]:
    """The text of the answer, and its annotations with byte offsets."""
    sentences = [Sentence(line) for line in _report(request)] + used.sentences
    sentences.append(Sentence("No model was asked: these words were made up on this machine."))
    annotations, position = [], 0
    for sentence in sentences:
        end = position + len(sentence.text.encode("utf-8", "surrogatepass"))
        if sentence.annotation:
            annotations.append({"start_index": position, "end_index": end, **sentence.annotation})
        position = end + 1
    return "\n".join(sentence.text for sentence in sentences), annotations


def _report(request: ModelRequest) -> list[str]:
    groups = group_turns(request.steps)
    latest = groups[-1] if groups else []
    lines = [f"Emulator: turn {request.turn}, model {request.model}."]
    lines += [f"Part {index}: {_described(part)}." for index, part in enumerate(user_parts(latest), 1)]
    for result in function_results(latest):
        failed = "Error" if result.get("is_error") else "Result"
        lines.append(f"{failed} of {result.get('name') or result.get('call_id')}: {_shown(result.get('result'))}.")
    if request.system:
        lines.append(f"System instruction: {_described({'type': 'text', 'text': request.system})}.")
    for index, group in enumerate(groups[:-1], 1):
        lines.append(f"Earlier, in turn {index}: {_quoted(join_text(user_parts(group)))}.")
    return lines


def _described(part: Part) -> str:
    size = part_size(part)
    kind = str(part.get("type", "text"))
    if kind == "text":
        return f"text, {size.bytes} bytes: {_quoted(str(part.get('text', '')))}"
    named = f"{kind}, {part.get('mime_type') or 'unknown type'}"
    return f"{named}, {size.bytes} bytes" if size.bytes is not None else f"{named}, at {size.uri}"


def _quoted(text: str) -> str:
    """The start of a text, on one line and in quotes."""
    return json.dumps(text if len(text) <= QUOTE_LENGTH else text[:QUOTE_LENGTH] + "…", ensure_ascii=False)


def _shown(result: Any) -> str:
    if isinstance(result, list):
        return ", ".join(str(part.get("text")) if part.get("type") == "text" else _described(part) for part in result)
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
