"""Tables of `map` in pipelines: readers that leave, full disks, kills, and a second run beside the first."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from tests.faults.program import Home, Process, command, forge, on_the_path, run

SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}}, "required": ["label"]}
COUNT = 60
HEADER = ["id", "review", "label", "ok", "error"]


@pytest.fixture
def place(tmp_path: Path) -> Home:
    place = Home(tmp_path / "place")
    rows = "".join(f'{number},"Nice, ""{number}"""\n' for number in range(COUNT))
    (place.cwd / "reviews.csv").write_text(f"id,review\n{rows}")
    (place.cwd / "s.json").write_text(json.dumps(SCHEMA))
    return place


ANSWERING = {"reply": {"label": "a, b"}, "delay": 0.02}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Emulator(script=[ANSWERING])) as serving:
        yield serving


def bash(script: str, server: Server, place: Home) -> tuple[int, str, str]:
    environ = place.environ(server.url, {"GEMINI_API_KEY": server.key, "PATH": on_the_path(place.path / "bin")})
    done = run(["bash", "-c", script], place, environ)
    return done.status, done.stdout.decode(), done.stderr


MAP = "gemini-cli map reviews.csv -p 'Classify: {review}' --schema s.json --to csv"


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def assert_whole(text: str) -> None:
    header, *rows = table(text)
    assert header == HEADER
    assert rows == [[f"{number}", f'Nice, "{number}"', "a, b", "true", ""] for number in range(COUNT)]


def asked(server: Server) -> int:
    return sum(request.method == "POST" for request in server.requests)


def test_reviews_become_a_table_in_one_command(server: Server, place: Home) -> None:
    status, out, err = bash(f"{MAP} > out.csv", server, place)
    assert (status, out, err) == (0, "", "")
    assert_whole((place.cwd / "out.csv").read_text())


def test_a_reader_that_leaves_ends_the_run(server: Server, place: Home) -> None:
    script = f'{MAP} -j 2 --checkpoint kept | head -n 2; echo "${{PIPESTATUS[0]}}" >&2'
    _, out, err = bash(script, server, place)
    assert (out, err) == ('id,review,label,ok,error\n0,"Nice, ""0""","a, b",true,\n', f"{128 + signal.SIGPIPE}\n")
    assert asked(server) < COUNT
    before = asked(server)
    status, out, _ = bash(f"{MAP} --checkpoint kept --retry-unknown 1", server, place)
    assert status == 0
    assert_whole(out)
    assert asked(server) <= COUNT + 2
    assert before < asked(server)


def test_a_full_disk_is_13_and_what_was_answered_is_kept(server: Server, place: Home) -> None:
    assert bash(f"{MAP} -j 2 --checkpoint kept > /dev/full", server, place)[0] == 13
    status, out, _ = bash(f"{MAP} --checkpoint kept --retry-unknown 1", server, place)
    assert status == 0
    assert_whole(out)


def test_a_table_goes_on_after_kill_9_and_a_second_run_beside_it_is_refused(place: Home) -> None:
    argv = ["map", "reviews.csv", "-p", "{review}", "--schema", "s.json", "--to", "csv", "-j", "2"]
    argv = command(*argv, "--checkpoint", "kept")
    with Server(Emulator(script=[{"when": '"30"', "times": 1, "fault": "silence"}, ANSWERING])) as server:
        environ = place.environ(server.url, {"GEMINI_API_KEY": server.key})
        process = Process(argv, place, environ, forge=forge())
        process.read_until(b'29""')
        second = run(argv, place, environ)
        assert (second.status, second.stdout) == (3, b"")
        assert f"is in use by process {process.popen.pid}" in second.stderr
        process.kill(signal.SIGKILL)
        cut = process.finish().stdout.decode()
        third = run([*argv, "--retry-unknown", "1"], place, environ)
        assert third.status == 0
        assert_whole(third.stdout.decode())
        assert third.stdout.decode().startswith(cut)
        assert asked(server) <= COUNT + 2


def test_lines_of_a_command_are_rows(server: Server, place: Home) -> None:
    script = "set -o pipefail; printf 'one\\ntwo\\n' | gemini-cli map --lines -p 'Classify: {_}' --no-interaction"
    status, out, _ = bash(f"{script} | cut -c 1-19", server, place)
    assert (status, out) == (0, '{"key":1,"ok":true,\n{"key":2,"ok":true,\n')
    prompts = [json.loads(request.body)["input"] for request in server.requests]
    assert sorted(prompts) == ["Classify: one", "Classify: two"]


def test_a_row_is_printed_while_the_next_one_is_awaited(server: Server, place: Home) -> None:
    os.mkfifo(place.cwd / "more")
    script = f"(printf 'id,review\\n1,a\\n'; cat more) | {MAP.replace('reviews.csv', '--csv')}"
    environ = place.environ(server.url, {"GEMINI_API_KEY": server.key, "PATH": on_the_path(place.path / "bin")})
    process = Process(["bash", "-c", script], place, environ)
    process.read_until(b"true,\n")
    (place.cwd / "more").write_text("2,b\n")
    assert process.finish().stdout.decode().splitlines()[1:] == ['1,a,"a, b",true,', '2,b,"a, b",true,']
