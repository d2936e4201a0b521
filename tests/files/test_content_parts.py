"""Attachments and tools: what was spelled, what part or tool it becomes, what is refused."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.config.connection_options import DEFAULT_BASE_URL, ConnectionOptions
from gemini_cli.config.endpoint import resolve_endpoint
from gemini_cli.errors import InputError, UsageError
from gemini_cli.files.content_parts import Attachment, attachment_parts, user_input
from gemini_cli.files.local_file import LocalFile
from gemini_cli.formats import strict_json
from gemini_cli.tools.declarations import parse_tool_options
from tests.waiting import PATIENCE

BASE = "https://host.example/prefix"
FILES = f"{BASE}/v1beta"
GOOGLE = DEFAULT_BASE_URL


def parts(*texts: str, stdin: bytes = b"") -> Any:
    """As they are sent."""
    named = [Attachment.parse(text) for text in texts]
    made = attachment_parts(named, lambda: stdin, resolve_endpoint(ConnectionOptions(base_url=BASE), {}))
    return strict_json.loads(strict_json.dumps(made))


@pytest.mark.parametrize(
    ("text", "source", "mime_type"),
    [
        ("a.png", "a.png", None),
        ("a.png;type=image/webp", "a.png", "image/webp"),
        ("odd;type=x;type=image/png", "odd;type=x", "image/png"),
        ("-;type=application/pdf", "-", "application/pdf"),
        ("a;type=Text/Plain", "a", "text/plain"),
    ],
)
def test_an_attachment_is_taken_apart(text: str, source: str, mime_type: str | None) -> None:
    assert Attachment.parse(text) == (source, mime_type)


@pytest.mark.parametrize("text", ["a;type=", "a;type=té/xt", "a;type=png", "a;type=image/", "a;type=image/png x"])
def test_what_is_no_mime_type_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Attachment.parse(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("https://x.example/a.png?size=1", {"type": "image", "mime_type": "image/png"}),
        (
            "https://x.example/a;type=audio/mp3",
            {"type": "audio", "mime_type": "audio/mp3", "uri": "https://x.example/a"},
        ),
        ("https://x.example/a.pdf", {"type": "document", "mime_type": "application/pdf"}),
        ("gs://bucket/a.mp4", {"type": "video", "mime_type": "video/mp4"}),
        ("https://www.youtube.com/watch?v=x", {"type": "video", "mime_type": "video/mp4"}),
        ("https://youtu.be/x", {"type": "video"}),
        ("files/abc-1;type=video/mp4", {"type": "video", "uri": f"{FILES}/files/abc-1", "mime_type": "video/mp4"}),
        (f"{GOOGLE}/v1/files/a;type=image/png", {"type": "image", "uri": f"{GOOGLE}/v1/files/a"}),
    ],
)
def test_what_is_elsewhere_goes_by_uri(text: str, part: dict[str, str]) -> None:
    (made,) = parts(text)
    assert part.items() <= made.items()
    assert made["uri"].split("?")[0] in (text.split(";")[0].split("?")[0], f"{FILES}/files/abc-1")
    assert "data" not in made


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("files/abc-123", "files/abc-123"),
        (f"{FILES}/files/abc-123", "files/abc-123"),
        (f"{BASE}/v1/files/abc-123:download?alt=media", "files/abc-123"),
        (f"{GOOGLE}/v1beta/files/abc-123", "files/abc-123"),
    ],
)
def test_a_file_of_the_service_whose_type_nobody_said_is_looked_up_later(text: str, file: str) -> None:
    assert parts(text) == [{"uri": file}]


@pytest.mark.parametrize(
    ("name", "kind", "mime_type"),
    [
        ("a.JPG", "image", "image/jpeg"),
        ("a.heic", "image", "image/heic"),
        ("a.wav", "audio", "audio/wav"),
        ("a.m4a", "audio", "audio/m4a"),
        ("a.mov", "video", "video/mov"),
        ("a.3gp", "video", "video/3gpp"),
        ("a.docx", "document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.odp", "document", "application/vnd.oasis.opendocument.presentation"),
    ],
)
def test_the_type_is_the_apis_own_for_the_extension(name: str, kind: str, mime_type: str) -> None:
    Path(name).write_bytes(b"\x00\xff")
    assert parts(name) == [{"type": kind, "data": "AP8=", "mime_type": mime_type}]


@pytest.mark.parametrize(
    ("name", "data", "mime_type"),
    [
        ("noending", b"\x89PNG\r\n\x1a\n\0", "image/png"),
        ("clip.bin", b"\0\0\0\x20ftypisom\0\0\2\0", "video/mp4"),
        ("scan", b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
        ("a.png", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.jpg", b"\x89PNG\r\n\x1a\n\0", "image/png"),
        ("hero.jpg", b"RIFF\0\1\0\0WEBPVP8 ", "image/webp"),
        ("a.jpg", b"\0\0\0\x20ftypheic\0\0\0\0", "image/heic"),
        ("a.mp3", b"RIFF\0\1\0\0WAVEfmt ", "audio/wav"),
        ("a.mp4", b"\x1aE\xdf\xa3\1\0\0\0\0\0\0\x1fB\x86\x81\1B\x82\x84webm", "video/webm"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0", "image/png"),
        ("a.docx", b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
        ("a.pdf", b"\xef\xbb\xbf \n%PDF-1.7\n", "application/pdf"),
    ],
)
def test_without_a_telling_name_the_first_bytes_tell(name: str, data: bytes, mime_type: str) -> None:
    Path(name).write_bytes(data)
    assert [part["mime_type"] for part in parts(name)] == [mime_type]
    assert [part["mime_type"] for part in parts("-", stdin=data)] == [mime_type]
    assert [part["mime_type"] for part in parts(f"{name};type=image/gif")] == ["image/gif"]


@pytest.mark.parametrize(
    ("name", "data", "mime_type"),
    [
        ("a.m4a", b"\0\0\0\x20ftypisom\0\0\2\0", "audio/m4a"),
        ("a.mov", b"\0\0\0\x20ftypmp42\0\0\2\0", "video/mov"),
        ("a.heic", b"\0\0\0\x20ftypmif1\0\0\2\0", "image/heic"),
        ("a.opus", b"OggS\0\2", "audio/opus"),
        ("a.aac", b"ID3\4\0\0\0\0\0\0\xff\xf1", "audio/aac"),
        ("a.png", b"\xff\xfb\x90\x64", "image/png"),
        ("a.docx", b"PK\3\4\x14\0", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.doc", b"{\\rtf1\\ansi text}", "application/msword"),
        ("a.pdf", b"a line before it\n%PDF-1.4\n", "application/pdf"),
    ],
)
def test_the_name_tells_what_the_first_bytes_do_not(name: str, data: bytes, mime_type: str) -> None:
    Path(name).write_bytes(data)
    assert [part["mime_type"] for part in parts(name)] == [mime_type]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pdf", b"<!DOCTYPE html>\n<title>Sign in</title>", "holds HTML, and its name says application/pdf"),
        ("a.pdf", b"\n <HTML><body>", "holds HTML"),
        ("a.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "holds a pointer of Git LFS"),
        ("a.xls", b"<html><table>", "holds HTML"),
        ("a.mp3", b'{"error": "not found"}', "holds JSON"),
        ("a.jpg", b"<?xml version='1.0'?><svg/>", "holds XML"),
    ],
)
def test_text_under_another_name_is_not_sent_unless_it_is_said(name: str, data: bytes, words: str) -> None:
    Path(name).write_bytes(data)
    with pytest.raises(InputError, match=words) as raised:
        parts(name)
    assert ";type=text/plain" in str(raised.value.hint)
    assert parts(f"{name};type=text/plain") == [{"type": "text", "text": data.decode()}]


def test_a_text_that_speaks_of_pdf_is_text() -> None:
    Path("notes.md").write_text("A PDF begins with\n%PDF-1.7\n")
    assert parts("notes.md")[0]["type"] == "text"


def test_a_byte_order_mark_is_dropped() -> None:
    Path("a.csv").write_bytes(b"\xef\xbb\xbfa,b\n")
    assert parts("a.csv", "-;type=text/plain", stdin=b"\xef\xbb\xbfhi") == [
        {"type": "text", "text": "a,b\n"},
        {"type": "text", "text": "hi"},
    ]


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("HTTPS://x.example/A.png", "https://x.example/A.png"),
        ("Gs://Bucket/a.png", "gs://Bucket/a.png"),
        ("HTTP://WWW.YouTube.com/watch?v=X", "http://WWW.YouTube.com/watch?v=X"),
    ],
)
def test_the_scheme_of_an_address_may_be_in_capitals(text: str, uri: str) -> None:
    assert [part["uri"] for part in parts(text)] == [uri]
    assert parts(GOOGLE.replace("https", "HTTPS") + "/v1beta/files/abc") == [{"uri": "files/abc"}]


def test_a_local_file_with_the_name_of_a_servers_file_is_told() -> None:
    told: list[str] = []
    endpoint = resolve_endpoint(ConnectionOptions(base_url=BASE), {})
    Path("files").mkdir()
    for _ in range(2):
        (part,) = attachment_parts([Attachment("files/report", None)], bytes, endpoint, told.append)
        assert part == {"uri": "files/report"}
        Path("files/report").write_text("local")
    assert told == ["-a files/report is the server's file; ./files/report is the local one"]
    assert parts("./files/report") == [{"type": "text", "text": "local"}]


# Pipes and /proc -----------------------------------------------------------------------------------------------------


@contextmanager
def piped(data: bytes) -> Iterator[str]:
    """The name of a pipe that a shell would make of `<(COMMAND)`."""
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    try:
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)


def test_what_a_pipe_brings_is_attached() -> None:
    with piped(b"from a command") as name:
        assert parts(name) == [{"type": "text", "text": "from a command"}]
    with piped(b"\x89PNG\r\n\x1a\n\0") as name:
        assert parts(name)[0]["mime_type"] == "image/png"
    with piped(b"{}") as name:
        assert parts(f"{name};type=application/json")[0] == {
            "type": "document",
            "mime_type": "application/json",
            "data": "e30=",
        }
    with piped(b"") as name, pytest.raises(InputError, match="it is empty"):
        parts(name)


def test_a_named_pipe_is_read_when_its_writer_comes() -> None:
    os.mkfifo("pipe")
    writing = threading.Thread(target=Path("pipe").write_text, args=["late"])
    reading = threading.Thread(target=lambda: found.extend(parts("pipe")))
    found: list[Any] = []
    reading.start()
    writing.start()
    reading.join(PATIENCE)
    writing.join(PATIENCE)
    assert found == [{"type": "text", "text": "late"}]


def test_a_pipe_is_read_up_to_the_limit_of_a_request() -> None:
    with piped(b"x" * 1000) as name, pytest.raises(InputError, match="more than 999 bytes"):
        LocalFile.open_path(name, pipe_limit=999)


def test_stdin_has_other_names() -> None:
    assert parts("/dev/stdin", stdin=b"hi") == [{"type": "text", "text": "hi"}]
    assert Attachment.parse("/dev/fd/0;type=image/png") == ("-", "image/png")


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_file_without_a_size_is_read_and_those_of_a_process_are_not() -> None:
    assert parts("/proc/version")[0]["text"].startswith("Linux")
    Path("link.txt").symlink_to("/proc/self/environ")
    Path("dir").symlink_to("/proc/self")
    Path("link2").symlink_to("link.txt")
    refused = ["link.txt", "link2", "dir/environ", "dir/cmdline", "dir/task/../maps", "/proc/self/environ"]
    refused += [f"/proc/{os.getpid()}/{name}" for name in ("environ", "mem", "cmdline", "maps", "fd", "status")]
    refused += [f"/proc/{os.getppid()}/environ", "/proc/thread-self/environ", "/proc/../proc/self/environ"]
    for name in refused:
        with pytest.raises(InputError, match="below /proc are never sent"):
            parts(f"{name};type=text/plain")
        with pytest.raises(InputError, match="below /proc are never sent"):
            LocalFile.open_path(name)


@pytest.mark.parametrize("name", ["a.csv", "a.py", "a.svg", "Makefile", "a.unknown"])
def test_text_files_are_text_parts(name: str) -> None:
    Path(name).write_text("ü, 1\n")
    assert parts(name) == [{"type": "text", "text": "ü, 1\n"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.bin", "type of a.bin is not known"),
        ("latin.csv", "byte offset 0"),
        ("latin.txt;type=text/plain", "byte offset 0"),
        ("none.png", "No such file"),
        (".", "directory"),
        ("-", "empty"),
        ("/dev/null", "no regular file"),
        ("https://x.example/a", "type of https://x.example/a is not known"),
        (f"{GOOGLE}.example/v1beta/files/abc", "is not known"),
        ("https://www.googleapis.com/drive/v3/files/abc", "is not known"),
    ],
)
def test_what_cannot_be_attached_is_an_input_error(text: str, words: str) -> None:
    for name in ("a.bin", "latin.csv", "latin.txt"):
        Path(name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=words):
        parts(text)


@pytest.mark.parametrize(
    ("prompt", "attached", "stdin", "made"),
    [
        ("p", [], None, "p"),
        (None, [], "s", "s"),
        ("p", [], "s", [{"type": "text", "text": "p"}, {"type": "text", "text": "s"}]),
        (None, [], None, None),
        (None, [{"type": "image"}], None, [{"type": "image"}]),
        (
            "p",
            [{"type": "image"}],
            "s",
            [{"type": "text", "text": "p"}, {"type": "image"}, {"type": "text", "text": "s"}],
        ),
    ],
)
def test_one_text_is_a_string_and_more_are_parts(prompt: Any, attached: Any, stdin: Any, made: Any) -> None:
    assert user_input(prompt, attached, stdin) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("- {name: f}\n", [{"type": "function", "name": "f"}]),
        (
            "tools:\n- {type: google_search}\n- {name: f}\n",
            [{"type": "google_search"}, {"type": "function", "name": "f"}],
        ),
        (
            "name: f\nparameters: {type: object}\n",
            [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        ),
        ("- {name: f, run: [x], timeout: 3, env: [A], content_type: image/png}\n", [{"type": "function", "name": "f"}]),
        ("- {type: brand_new, x: 1}\n", [{"type": "brand_new", "x": 1}]),
    ],
)
def test_a_file_of_tools_is_read(text: str, made: list[dict[str, Any]]) -> None:
    Path("tools.yaml").write_text(text)
    assert parse_tool_options(["tools.yaml"]).tools == made


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "list of declarations"),
        ("tools: 7\n", "tools.yaml:1: tools are a list"),
        ("- f\n", "tools.yaml:1: a tool is a map"),
        ("- name: f\n- name: '1f'\n", "tools.yaml:2: not a function name"),
        ("- description: d\n", "not a function name"),
        ("- {name: f, parameters: [x]}\n", "JSON Schema"),
        ("- {type: 7}\n", "type of a tool"),
    ],
)
def test_a_file_that_declares_no_tools_is_an_input_error(text: str, words: str) -> None:
    Path("tools.yaml").write_text(text)
    with pytest.raises(InputError, match=words):
        parse_tool_options(["tools.yaml"])


def test_a_file_in_the_working_directory_does_not_shadow_a_built_in_tool() -> None:
    Path("google_search").write_text("- {name: stray}\n")
    assert parse_tool_options(["google_search"]).tools == [{"type": "google_search"}]


@pytest.mark.parametrize("url", ["nonsense", "http://[x"])
def test_an_mcp_server_needs_a_url(url: str) -> None:
    with pytest.raises(UsageError, match="not a URL"):
        parse_tool_options([f"mcp_server={url}"])
