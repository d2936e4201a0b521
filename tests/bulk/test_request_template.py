"""A form and a row make a body: tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.bulk.request_template import RequestTemplate
from gemini_cli.bulk.rows import Row
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.endpoint import resolve_endpoint
from gemini_cli.errors import InputError, UsageError
from gemini_cli.files.content_parts import Attachment, Part, attachment_parts


def attached_by_row(attachments: Sequence[Attachment]) -> list[Part]:
    return attachment_parts(attachments, lambda: b"stdin", resolve_endpoint(ConnectionOptions(), {}))


def attached(texts: Sequence[str]) -> list[Part]:
    return attached_by_row([Attachment.parse(text) for text in texts])


def form(body: dict[str, Any] | None = None, **more: Any) -> RequestTemplate:
    said = {"prompt": None, "prefix": "", "attach": (), "digest_parts": (), **more}
    return RequestTemplate(body or {"model": "m"}, attached=attached, attached_by_row=attached_by_row, **said)


def fill(value: Any, **more: Any) -> Any:
    return form(**more).fill(Row(3, 3, value, 0))


@pytest.mark.parametrize(
    ("prompt", "value", "text"),
    [
        ("Summarise: {text}", {"text": "abc", "id": "x"}, "Summarise: abc"),
        ("{{{a}}} {b} {c} {d}", {"a": 1, "b": None, "c": [True], "d": ""}, "{1} null [true] "),
        ("{_}", {"a": "ä"}, '{"a":"ä"}'),
        ("{_}", "a string", "a string"),
        ("about {input}", "a string", "about a string"),
        ("{a b.c}", {"a b.c": "x"}, "x"),
        ("no field", {"a": 1}, "no field"),
        ("{a}", {"a": "{b} }{"}, "{b} }{"),
    ],
)
def test_fields_fill_the_prompt(prompt: str, value: Any, text: str) -> None:
    assert fill(value, prompt=prompt) == {"model": "m", "input": text}


@pytest.mark.parametrize("prompt", ["{", "}", "a {b", "a} b", "{a{b}}", "{}"])
def test_a_brace_that_stands_alone_is_a_usage_error(prompt: str) -> None:
    with pytest.raises(UsageError, match="for braces"):
        form(prompt=prompt)


def test_of_a_long_text_only_the_part_around_the_brace_is_shown() -> None:
    with pytest.raises(UsageError) as raised:
        form(prompt=f"{'a' * 99} {{b}} {{ {'c' * 99}", prompt_origin="prompt.txt")
    assert raised.value.message.startswith(f"prompt.txt: '{'a' * 15} {{b}} {{ {'c' * 19}': write {{name}}")


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("hi", {"model": "m", "input": "hi"}),
        ({"input": "hi", "id": 1, "key": 2}, {"model": "m", "input": "hi"}),
        ({"prompt": "hi", "model": "n"}, {"model": "n", "input": "hi"}),
        ({"input": "hi", "agent": "a"}, {"agent": "a", "input": "hi"}),
        ({"input": [{"type": "text", "text": "hi"}]}, {"model": "m", "input": [{"type": "text", "text": "hi"}]}),
        ({"contents": [{}]}, {"model": "m", "contents": [{}]}),
    ],
)
def test_a_row_without_a_prompt_is_a_question(value: Any, body: Any) -> None:
    assert fill(value) == body


def test_a_rows_fields_lie_over_what_is_said_for_all() -> None:
    said = {"model": "m", "generation_config": {"seed": 1, "stop_sequences": ["a"]}, "tools": [{"type": "x"}]}
    row = {"input": "hi", "generation_config": {"seed": 2}, "tools": []}
    assert fill(row, body=said)["generation_config"] == {"seed": 2, "stop_sequences": ["a"]}
    assert fill(row, body=said)["tools"] == []
    assert said["generation_config"] == {"seed": 1, "stop_sequences": ["a"]}


@pytest.mark.parametrize(
    ("value", "more", "message"),
    [
        ({"text": "x"}, {"prompt": "{txt}"}, "line 3: it has no field 'txt', only text"),
        ({}, {"prompt": "{txt}"}, "line 3: it has no field 'txt', only none"),
        ({"text": "x"}, {}, "line 3: it has neither input nor prompt"),
        ("", {}, "line 3: its prompt is empty"),
        ({"prompt": ""}, {}, "line 3: its prompt is empty"),
        ({"input": "a", "prompt": "b"}, {}, "line 3: it has both input and prompt"),
        ({"input": "a", "stream": True}, {}, "line 3: the request says stream: true; use `stream`"),
        ("a", {"attach": ["{path}"]}, "line 3: it has no field 'path', only input"),
        ({"input": "a", "path": "no/such"}, {"attach": ["{path}"]}, "line 3: cannot read no/such"),
        ({"input": "a", "path": "-"}, {"attach": ["{path}"]}, "line 3: a row cannot attach stdin"),
        ({"input": [{"type": "user_input", "content": []}]}, {"prefix": "p"}, "line 3: its input is no content"),
        ({"input": 7}, {"prefix": "p"}, "line 3: its input is no content"),
        ({"contents": [{}]}, {"attach": ["files/a;type=image/png"]}, "line 3: its input is no content"),
    ],
)
def test_a_row_that_cannot_be_asked_says_its_line(value: Any, more: Any, message: str) -> None:
    with pytest.raises(InputError) as raised:
        fill(value, **more)
    assert raised.value.message.startswith(message)


NATIVE = {"contents": [{"parts": [{"text": "hi"}]}], "generation_config": {"temperature": 0.5}}


def test_a_row_of_the_batch_api_is_its_request() -> None:
    assert fill({"key": "k", "request": NATIVE}, generate_content=True) == {"model": "m", **NATIVE}
    assert fill({"key": "k", "request": {"model": "n", "input": "hi"}}) == {"model": "n", "input": "hi"}
    assert fill({"request": "x", "input": "hi"}) == {"model": "m", "request": "x", "input": "hi"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"key": "k", "request": NATIVE}, "add --api generate-content"),
        ({"key": "k", "request": {}}, "its request has no contents"),
        ({"key": "k", "request": 5}, "its request is 5, not a map"),
        ({"key": "k", "request": {"input": "hi"}, "model": "n"}, "its 'model' stands beside the request"),
        (
            {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": []}},
            "it is a row of OpenAI's batch API",
        ),
        ({"custom_id": "1", "params": {"messages": []}}, "it is a row of Anthropic's batch API"),
        ({"body": "text"}, "it has neither input nor prompt"),
    ],
)
def test_a_row_in_another_format_says_so(value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fill(value)


def test_attachments_are_named_by_the_row() -> None:
    image = {
        "type": "image",
        "uri": "https://generativelanguage.googleapis.com/v1beta/files/a",
        "mime_type": "image/png",
    }
    row = {"id": "a", "say": "look"}
    filled = fill(row, prompt="{say}", attach=["files/{id};type=image/png"])
    assert filled["input"] == [{"type": "text", "text": "look"}, image]
    asked = fill({"input": [{"type": "text", "text": "look"}], "id": "a"}, attach=["files/{id};type=image/png"])
    assert asked == filled | {"input": [{"type": "text", "text": "look"}, image]}


SECRETS = ["/etc/passwd", "../secret", "a/../../secret", "..", "x;type=text/plain"]


@pytest.mark.parametrize("value", SECRETS)
@pytest.mark.parametrize("pattern", ["{f}", "./{f}", "in/{f}", "../{f}", "in/{f};type=text/plain"])
def test_a_row_cannot_lead_out_of_the_directory_of_its_attachments(pattern: str, value: str) -> None:
    Path("../secret").write_text("secret")
    Path("secret").write_text("secret")
    Path("in").mkdir()
    with pytest.raises(InputError) as raised:
        fill({"f": value}, prompt="look", attach=[pattern])
    assert "--allow-paths" in raised.value.message


@pytest.mark.parametrize(
    ("pattern", "row"),
    [
        ("{a}{b}/secret", {"a": ".", "b": "."}),
        ("in{f}/secret", {"f": "/../.."}),
        ("{f}", {"f": "in/..//../secret"}),
        ("in/{a}{b}", {"a": "x;ty", "b": "pe=text/plain"}),
        ("in/{a};ty{b}=text/plain", {"a": "x", "b": "pe"}),
        ("in/x;type={a}{b}", {"a": "a;ty", "b": "pe=text/plain"}),
    ],
)
def test_nor_by_pieces(pattern: str, row: dict[str, str]) -> None:
    Path("in").mkdir()
    Path("../secret").write_text("secret")
    with pytest.raises(InputError, match="--allow-paths"):
        fill(row, prompt="look", attach=[pattern])


def test_a_row_may_name_what_is_below_the_directory_and_an_address() -> None:
    Path("in/deep").mkdir(parents=True)
    Path("in/x").mkdir()
    Path("in/deep/a.txt").write_text("deep")
    deep = [{"type": "text", "text": "look"}, {"type": "text", "text": "deep"}]
    for pattern, value in (("in/{f}", "deep/a.txt"), ("{f}", "in/deep/a.txt"), ("in/{f}.txt", "x/../deep/a")):
        assert fill({"f": value}, prompt="look", attach=[pattern])["input"] == deep
    for pattern in (str(Path("in").resolve()) + "/{f}", f"./../{Path().resolve().name}/in/{{f}}"):
        assert fill({"f": "deep/a.txt"}, prompt="look", attach=[pattern])["input"] == deep
    _, image = fill({"f": "https://e.test/a.png"}, prompt="look", attach=["{f}"])["input"]
    assert image["uri"] == "https://e.test/a.png"
    _, image = fill({"t": "image/png"}, prompt="look", attach=["in/deep/a.txt;type={t}"])["input"]
    assert image["mime_type"] == "image/png"


def test_a_row_cannot_lead_out_of_the_directory_through_a_link() -> None:
    Path("../secret").write_text("secret")
    Path("../above").mkdir()
    Path("../above/a").write_text("secret")
    Path("in").mkdir()
    Path("in/good").write_text("good")
    Path("in/link").symlink_to("../../secret")
    Path("in/up").symlink_to("../../above")
    Path("in/inside").symlink_to("good")
    for value in ("link", "up/a"):
        with pytest.raises(InputError, match="--allow-paths"):
            fill({"f": value}, prompt="look", attach=["in/{f}"])
    asked = fill({"f": "link"}, prompt="look", attach=["in/{f}"], allow_paths=True)
    assert asked["input"][1]["text"] == "secret"
    Path("elsewhere").symlink_to("in")
    for pattern, value in (("in/{f}", "inside"), ("elsewhere/{f}", "good")):
        assert fill({"f": value}, prompt="look", attach=[pattern])["input"][1]["text"] == "good"


def test_with_leave_a_row_names_any_file() -> None:
    Path("../secret").write_text("secret")
    for value in ("../secret", str(Path("../secret").resolve()), "../secret;type=text/plain"):
        asked = fill({"f": value}, prompt="look", attach=["{f}"], allow_paths=True)
        assert asked["input"][1]["text"] == "secret"


def test_what_is_attached_to_every_row_is_read_once_and_may_be_stdin() -> None:
    made = form(attach=["-;type=text/plain", "files/a;type=image/png"])
    text, image = made.shared_parts
    assert text == {"type": "text", "text": "stdin"}
    first, second = (made.fill(Row(line, line, "look", 0))["input"] for line in (1, 2))
    assert first == second == [{"type": "text", "text": "look"}, text, image]
    assert not any(one is other for one in first for other in [*second, text, image])


def test_the_profiles_prompt_comes_first() -> None:
    assert fill({"t": "x"}, prompt="{t}", prefix="As {it} is:")["input"] == "As {it} is: x"
    assert fill("x", prefix="Say\n")["input"] == "Say\nx"
    assert fill({"input": [{"type": "text", "text": "x"}]}, prefix="Say")["input"][0]["text"] == "Say"


def test_the_digest_changes_with_the_row_and_with_what_is_said_for_all() -> None:
    row, other = Row(1, "k", {"a": 1}, 0), Row(1, "k", {"a": 2}, 0)
    said: list[dict[str, Any]] = [
        {"prompt": "{a}"},
        {"attach": ["files/a;type=image/png"]},
        {"prefix": "p"},
        {"digest_parts": ["generate-content"]},
    ]
    ways = [{}, *said, {"body": {"model": "n"}}]
    digests = [form(**way).digest(row) for way in ways] + [form().digest(other)]
    assert len(set(digests)) == len(digests)
    assert form().digest(row) == form().digest(row._replace(line=9, end=9))
