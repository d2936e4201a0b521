"""The pretend model: reads a conversation, answers always the same, and says that it is the emulator.

Its text is made to be asserted on: the turn and the model, then each part with its type and size, then what it
remembers, then what tools and functions brought. A script may put other words into its mouth.
"""

import base64
import json
import zlib
from typing import Any, NamedTuple

from . import tokens
from .conversation import Part, Step, parts, results, size, text_of, turns
from .functions import Choice, Function, calls, function_call
from .media import media_part
from .sample import sample
from .script import Line
from .tools import Sentence, Use, use

QUOTE = 60
# What reading and thinking cost when thinking is on.
THOUGHT_TOKENS = 16


class Ask(NamedTuple):
    """One question, in either family's dialect translated to steps."""

    model: str
    steps: list[Step]
    system: str = ""
    functions: tuple[Function, ...] = ()
    choice: Choice = Choice()
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
    line: Line | None = None

    @property
    def turn(self) -> int:
        return len(turns(self.steps)) or 1

    @property
    def prompt(self) -> str:
        """The text of the latest turn."""
        groups = turns(self.steps)
        return text_of(parts(groups[-1])) if groups else ""


class Answer(NamedTuple):
    """`offset` is where a continued answer goes on, None when nothing is left."""

    steps: list[Step]
    status: str
    usage: dict[str, Any]
    errors: tuple[dict[str, Any], ...] = ()
    offset: int | None = None


class Text(NamedTuple):
    """What may be said of the whole text: its piece, how it ended, and where the rest begins."""

    piece: str
    status: str
    offset: int | None


def answer(ask: Ask) -> Answer:
    line = ask.line or Line()
    called = _calls(ask, line)
    use_of_tools = Use([], []) if line.reply is not None else use(list(ask.tools), ask.prompt)
    content: list[Part] = []
    text = Text("", "completed", None)
    if line.reply is not None or not called:
        content, text = _output(ask, line, use_of_tools)
    thought = _thought(ask)
    output = [{"content": content, "type": "model_output"}] if content else []
    # 2.5 models report their searches after the answer, later ones before it (traffic.md 35).
    late = ask.model.startswith("gemini-2.5")
    steps = [thought, *output, *use_of_tools.steps] if late else [*use_of_tools.steps, thought, *output]
    steps = [*steps, *called] if line.steps is None else list(line.steps)
    status = line.status or ("requires_action" if called else text.status)
    spent = tokens.of_text(text.piece) + sum(tokens.of_text(json.dumps(each["arguments"])) for each in called)
    spent += sum(tokens.MEDIA_TOKENS[part["type"]] for part in content if part["type"] != "text")
    read = tokens.of_steps(ask.steps)
    read["text"] = read.get("text", 0) + tokens.of_text(ask.system)
    searches = sum(step["type"] == "google_search_call" for step in steps)
    usage = tokens.usage(read, spent, THOUGHT_TOKENS if ask.thinking else 0, searches)
    return Answer(steps, status, {**usage, **(line.usage or {})}, line.errors, text.offset)


def _calls(ask: Ask, line: Line) -> list[Step]:
    if line.calls:
        return [
            function_call(name, arguments, f"{ask.turn} {index}") for index, (name, arguments) in enumerate(line.calls)
        ]
    groups = turns(ask.steps)
    if line.reply is not None or line.steps is not None or (groups and results(groups[-1])):
        return []
    return calls(list(ask.functions), ask.choice, ask.prompt, ask.turn)


def _thought(ask: Ask) -> Step:
    """Always there and always signed, even when nothing was thought (traffic.md 32)."""
    mark = f"emulator thought {ask.turn} {zlib.crc32(ask.prompt.encode('utf-8', 'replace')):08x}"
    step: Step = {"signature": base64.b64encode(mark.encode()).decode(), "type": "thought"}
    if ask.summaries and ask.thinking:
        summary = "**Reading the request**\n\nThe emulator counts the parts and thinks nothing of them.\n\n\n"
        step["summary"] = [{"text": summary, "type": "text"}]
    return step


def _output(ask: Ask, line: Line, used: Use) -> tuple[list[Part], Text]:
    media = [media_part(kind) for kind in ask.media]
    annotations: list[dict[str, Any]] = []
    if line.reply is not None:
        whole = line.reply.replace("{prompt}", ask.prompt).replace("{turn}", str(ask.turn))
    elif ask.schema is not None or ask.json:
        whole = json.dumps(sample(ask.schema or {"type": "object"}), ensure_ascii=False)
    elif media:
        whole = ""
    else:
        whole, annotations = _text(ask, used)
    text = _limited(whole, ask)
    part: Part = {"text": text.piece, "type": "text"}
    length = len(text.piece.encode("utf-8", "surrogatepass"))
    kept = [each for each in annotations if ask.offset == 0 and each["end_index"] <= length]
    if kept:
        part["annotations"] = kept
    return ([part] if text.piece else []) + media, text


def _limited(whole: str, ask: Ask) -> Text:
    """Stop sequences first, then the token limit, then the cap of one hop (reference.md 8.4)."""
    for stop in ask.stops:
        whole = whole.split(stop, 1)[0] if stop else whole
    allowed = whole if ask.max_tokens is None else tokens.cut(whole, ask.max_tokens)
    ending = "completed" if allowed == whole else "incomplete"
    rest = allowed[ask.offset :]
    piece = rest if ask.cap is None else tokens.cut(rest, ask.cap)
    if piece != rest:
        return Text(piece, "requires_continuation", ask.offset + len(piece))
    return Text(piece, ending, None)


def _text(ask: Ask, used: Use) -> tuple[str, list[dict[str, Any]]]:
    """The lines of the answer, and the annotations of those that have one, with their byte offsets."""
    sentences = [Sentence(line) for line in _report(ask)] + used.sentences
    sentences.append(Sentence("No model was asked: these words were made up on this machine."))
    annotations, position = [], 0
    for sentence in sentences:
        end = position + len(sentence.text.encode("utf-8", "surrogatepass"))
        if sentence.annotation:
            annotations.append({"start_index": position, "end_index": end, **sentence.annotation})
        position = end + 1
    return "\n".join(sentence.text for sentence in sentences), annotations


def _report(ask: Ask) -> list[str]:
    groups = turns(ask.steps)
    latest = groups[-1] if groups else []
    lines = [f"Emulator: turn {ask.turn}, model {ask.model}."]
    lines += [f"Part {index}: {_described(part)}." for index, part in enumerate(parts(latest), 1)]
    for result in results(latest):
        failed = "Error" if result.get("is_error") else "Result"
        lines.append(f"{failed} of {result.get('name') or result.get('call_id')}: {_shown(result.get('result'))}.")
    if ask.system:
        lines.append(f"System instruction: {_described({'type': 'text', 'text': ask.system})}.")
    for index, group in enumerate(groups[:-1], 1):
        lines.append(f"Earlier, in turn {index}: {_quoted(text_of(parts(group)))}.")
    return lines


def _described(part: Part) -> str:
    found = size(part)
    kind = str(part.get("type", "text"))
    if kind == "text":
        return f"text, {found.bytes} bytes: {_quoted(str(part.get('text', '')))}"
    named = f"{kind}, {part.get('mime_type') or 'unknown type'}"
    return f"{named}, {found.bytes} bytes" if found.bytes is not None else f"{named}, at {found.where}"


def _quoted(text: str) -> str:
    """The beginning, on one line and in quotes."""
    return json.dumps(text if len(text) <= QUOTE else text[:QUOTE] + "…", ensure_ascii=False)


def _shown(result: Any) -> str:
    if isinstance(result, list):
        return ", ".join(str(part["text"]) if part.get("type") == "text" else _described(part) for part in result)
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
