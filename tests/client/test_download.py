"""A download that breaks off: continued by a range, or by skipping what came already; never a wrong byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import ScriptedTransport, gemini, reply

ALL = b"0123456789"


def sent(data: bytes, status: int = 200, *, cut: bool = False, **headers: object) -> httpx.Response:
    """An answer with these bytes, of which the connection breaks at the end if it is `cut`."""

    def chunks() -> Iterator[bytes]:
        yield data[: len(data) // 2]
        yield data[len(data) // 2 :]
        if cut:
            raise httpx.ReadError("reset")

    said = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return httpx.Response(status, headers={"content-type": "application/jsonl", **said}, content=chunks())


def rest(start: int, data: bytes = ALL, **more: Any) -> httpx.Response:
    return sent(data[start:], 206, content_range=f"bytes {start}-{len(data) - 1}/{len(data)}", **more)


GONE = reply({"error": {"code": 404, "message": "Gone."}}, 404)


@pytest.mark.parametrize(
    ("answers", "status", "out", "asked"),
    [
        ([sent(ALL)], 0, ALL, [None]),
        ([sent(ALL[:4], cut=True), rest(4)], 0, ALL, [None, "bytes=4-"]),
        ([sent(ALL[:4], content_length=10), rest(4)], 0, ALL, [None, "bytes=4-"]),
        ([sent(ALL[:4], cut=True), rest(4, ALL[:8] + b"xx", cut=True), rest(10)], 0, ALL[:8] + b"xx", None),
        ([sent(ALL[:4], cut=True), sent(ALL)], 0, ALL, [None, "bytes=4-"]),
        ([sent(ALL[:4], cut=True), sent(ALL[:2], cut=True), sent(ALL)], 0, ALL, None),
        ([sent(ALL[:4], cut=True), sent(b"x" + ALL[1:])], 8, ALL[:4], None),
        ([sent(ALL[:4], cut=True), sent(ALL[:3])], 8, ALL[:4], None),
        ([sent(ALL[:4], cut=True), rest(5)], 8, ALL[:4], None),
        ([sent(ALL[:4], cut=True), sent(ALL[4:], 206)], 8, ALL[:4], None),
        ([sent(ALL[:4], cut=True), GONE], 8, ALL[:4], None),
        (
            [sent(ALL[:4], cut=True), *(sent(b"", 206, cut=True, content_range="bytes 4-9/10") for _ in range(3))],
            8,
            ALL[:4],
            None,
        ),
        ([sent(b"", cut=True), GONE], 6, b"", [None, None]),
        ([sent(b"<html>", content_type="text/html; charset=utf-8")], 6, b"", None),
        ([sent(ALL, content_encoding="gzip")], 6, b"", None),
    ],
)
def test_a_download_is_continued_or_said_to_be_cut(
    answers: list[httpx.Response], status: int, out: bytes, asked: list[str | None] | None
) -> None:
    wire = ScriptedTransport(answers)
    outcome = gemini("files", "download", "a", answers=wire)
    assert (outcome.status, outcome.out.encode()) == (status, out)
    if asked is not None:
        assert [call.headers.get("Range") for call in wire.requests] == asked


@pytest.mark.parametrize(("tag", "only"), [('"v1"', '"v1"'), ('W/"v1"', None), ("", None)])
def test_the_rest_is_asked_for_of_the_same_file_only(tag: str, only: str | None) -> None:
    wire = ScriptedTransport([sent(ALL[:4], cut=True, etag=tag), rest(4)])
    assert gemini("files", "download", "a", answers=wire).out.encode() == ALL
    assert wire.requests[1].headers.get("If-Range") == only


def test_a_file_is_written_whole_or_not_at_all() -> None:
    Path("out").write_bytes(b"old")
    for answers, status in (([sent(ALL[:4], cut=True), GONE], 6), ([sent(ALL[:4], cut=True), rest(5)], 8)):
        assert gemini("files", "download", "a", "-o", "out", answers=answers).status == status
        assert [path.read_bytes() for path in Path().iterdir()] == [b"old"]
    assert gemini("files", "download", "a", "-o", "out", answers=[sent(ALL[:4], cut=True), rest(4)]).status == 0
    assert [path.read_bytes() for path in Path().iterdir()] == [ALL]


def test_nothing_binary_reaches_a_terminal_and_progress_does() -> None:
    assert gemini("files", "download", "a", terminal=True).status == 2
    assert gemini("files", "download", "a", answers=[sent(b"\0\x01")]).out == "\0\x01"
    shown = gemini("files", "download", "a", "-o", "out", answers=[sent(ALL)], terminal=True, environ={"TERM": "xterm"})
    assert "files/a" in shown.err
    assert "10/? bytes" in shown.err
