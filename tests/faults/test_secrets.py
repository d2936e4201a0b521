"""The key is in one header of a request, and nowhere else; nothing is read from the working directory.

`assert_always_true` looks for the key after every run in this folder. The places that an attacker would look at are
here: each command at its most verbose, a key in a wrong place, child processes, the process table, other hosts.
"""

from __future__ import annotations

import json
import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gemini_cli.docgen import command_info
from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from tests.waiting import until

from . import sweep
from .program import CANARY, CANARY_FORMS, Home, Process, Run, command, killed_at_the_end, run, run_forked
from .raw_server import RawServer
from .setups import emulator

# Every command that sends a request; the files are beside the working directory of the run.
COMMANDS = {
    "generate": ["generate", "hi"],
    "stream": ["stream", "hi"],
    "the older family": ["stream", "--api", "generate-content", "hi"],
    "chat": ["chat", "--session", "s", "hi"],
    "history": ["generate", "--history", "../history.json", "hi"],
    "upload": ["upload", "../note.txt"],
    "attach": ["generate", "--upload", "-a", "../note.txt", "hi"],
    "call-tool": ["call-tool", "-T", "../tools.json", "hi"],
    "map": ["map", "../rows.jsonl", "--checkpoint", "../kept"],
    "batch": ["batch", "submit", "../rows.jsonl"],
    "batch status": ["batch", "status", "batches/none"],
    "batch wait": ["batch", "wait", "batches/none"],
    "batch results": ["batch", "results", "batches/none"],
    "batch cancel": ["batch", "cancel", "batches/none"],
    "batch list": ["batch", "list"],
    "batch delete": ["batch", "delete", "batches/none"],
    "tokens": ["tokens", "hi"],
    "models": ["models", "list"],
    "models get": ["models", "get", "gemini-flash-latest"],
    "files": ["files", "list"],
    "files get": ["files", "get", "files/none"],
    "files delete": ["files", "delete", "files/none"],
    "download": ["files", "download", "files/none", "-o", "../none"],
    "api": ["api", "POST", "interactions", "-d", '{"model": "gemini-flash-latest", "input": "hi"}'],
    "api paginate": ["api", "GET", "models", "--paginate"],
    "api delete": ["api", "DELETE", "files/none"],
    "interactions": ["interactions", "get", "v1_none"],
    "interactions wait": ["interactions", "wait", "--timeout", "1", "v1_none"],
    "interactions watch": ["interactions", "watch", "--timeout", "1", "v1_none"],
    "interactions cancel": ["interactions", "cancel", "v1_none"],
    "interactions delete": ["interactions", "delete", "v1_none"],
}

# The status where the server is not at fault and the command names something that does not exist.
STATUSES = {name: 6 for name, argv in COMMANDS.items() if argv[-1].endswith("none")} | {
    "interactions wait": 8,
    "interactions watch": 8,
}

# Commands that send nothing to the API.
LOCAL = {"completion", "config profiles", "config show", "emulator"}


@pytest.fixture
def place(tmp_path: Path) -> Home:
    place = Home(tmp_path / "fault")
    (place.path / "note.txt").write_text("a note")
    (place.path / "rows.jsonl").write_text('"one"\n"two"\n')
    (place.path / "tools.json").write_text(json.dumps([{"name": "weather", "run": ["/bin/sh", "-c", "env"]}]))
    return place


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with emulator() as serving:
        yield serving


def assert_not_there(done: Run, place: Home, *, besides: Path | None = None) -> None:
    """In none of its forms, in what was said or in any file of the run."""
    kept = [path.read_bytes() for path in place.left_behind() if path != besides]
    for form in CANARY_FORMS:
        assert form not in done.stdout.decode() + done.stderr, "the key was said"
        assert not [data for data in kept if form.encode() in data], "the key was written"


def test_every_command_is_tried() -> None:
    """All that can send a request: a new command belongs into COMMANDS, or into LOCAL if it sends nothing."""
    commands = {info.name for info in command_info.load_commands()}
    sending = {
        name for name in commands if any(argv[: name.count(" ") + 1] == name.split() for argv in COMMANDS.values())
    }
    missing = sorted(commands - sending - LOCAL)
    assert commands - sending == LOCAL, f"add to COMMANDS, or to LOCAL, in this module: {', '.join(missing)}"


# What is said and written ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_said_or_written_holds_the_key(name: str, place: Home, server: Server) -> None:
    server.requests.clear()
    done = run_forked(command(*COMMANDS[name], "-vv"), place, place.environ(server.url))
    assert done.status == STATUSES.get(name, 0), done
    assert done.stderr.count("\n") >= 1
    assert_not_there(done, place)
    assert [request for request in server.requests if request.headers.get("x-goog-api-key") == CANARY]
    assert not [form for form in CANARY_FORMS for request in server.requests if form in request.target]


@pytest.mark.parametrize("name", COMMANDS)
def test_nor_does_a_recording_of_a_server_that_repeats_the_key(name: str, place: Home) -> None:
    with emulator("echo_key(times=1)") as server:
        run_forked(command(*COMMANDS[name], "--record", "../recording"), place, place.environ(server.url))
    recorded = (place.path / "recording").read_text()
    assert recorded.count("\n") >= 2
    assert "[redacted]" in recorded
    assert [form for form in CANARY_FORMS if form in recorded] == []


@pytest.mark.parametrize("voice", ["-vv", "--json"])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_server_that_repeats_the_key_is_not_repeated(name: str, voice: str, place: Home) -> None:
    with emulator("echo_key(times=forever)") as server:
        done = run_forked(command(*COMMANDS[name], voice), place, place.environ(server.url))
    assert done.status == 4
    assert "[redacted]" in done.stdout.decode() + done.stderr
    assert_not_there(done, place)


@pytest.mark.parametrize("orders", [f"error_event(2, message='no {form}')" for form in CANARY_FORMS])
@pytest.mark.parametrize("name", ["stream --json", "chat --session s", "stream --api generate-content"])
def test_nor_is_a_stream_that_does(name: str, orders: str, place: Home) -> None:
    with emulator(orders) as server:
        done = run_forked(command(*name.split(), "hi"), place, place.environ(server.url))
    assert done.status == 8
    assert "no [redacted]" in done.stderr
    assert_not_there(done, place)


@pytest.mark.parametrize("show", ["-n", "--curl"])
@pytest.mark.parametrize("name", ["generate", "stream", "the older family", "chat", "call-tool", "api"])
def test_a_request_that_is_only_shown_has_no_key(name: str, show: str, place: Home) -> None:
    done = run_forked(command(*COMMANDS[name], show, "-vv"), place, place.environ("http://127.0.0.1:9"))
    assert done.status == 0
    assert_not_there(done, place)


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["config", "show"], {}),
        (["generate", "--base-url", f"https://127.0.0.1:1/?key={CANARY}", "hi"], {}),
        (["generate", "--base-url", f"https://user:{CANARY}@127.0.0.1:1", "hi"], {}),
        (["generate", "--base-url", f"https://127.0.0.1:{CANARY}", "hi"], {}),
        (["generate", "--retries", "0", "hi"], {"HTTPS_PROXY": f"http://u:{CANARY}@[", "GEMINI_BASE_URL": ""}),
        (["generate", "--retries", "0", "hi"], {"HTTPS_PROXY": f"http://{CANARY}@127.0.0.1:1", "GEMINI_BASE_URL": ""}),
        (["generate", "--api-key", CANARY, "hi"], {}),
        (["generate", f"--api-key={CANARY}", "hi"], {}),
        (["generate", f"--{CANARY}", "hi"], {}),
        (["generate", "--api-key-file", CANARY, "hi"], {}),
        (["generate", "-f", CANARY], {}),
        (["generate", "--retries", CANARY, "hi"], {}),
        (["generate", "-P", CANARY, "hi"], {}),
        (["chat", "--session", CANARY, "hi"], {}),
        (["generate", "hi"], {"GOOGLE_API_KEY": f"{CANARY} "}),
        (["generate", "hi"], {"GEMINI_TIMEOUT": CANARY, "GEMINI_RETRIES": CANARY}),
        (["map", "../rows.jsonl", "-p", f"{{{CANARY}}}"], {}),
        (["map", "../rows.jsonl", "-n", "-p", f"{{{CANARY}}}"], {}),
        (["generate", "hi"], {"GEMINI_API_KEY": f"{CANARY}\udce9"}),
        ([CANARY], {}),
    ],
    ids=repr,
)
def test_a_key_in_a_wrong_place_is_not_repeated(argv: list[str], environ: dict[str, str], place: Home) -> None:
    done = run_forked(command(*argv), place, place.environ("http://127.0.0.1:9", environ))
    assert done.status in (0, 2, 3, 4, 5, 11), done
    assert "Traceback" not in done.stderr
    assert_not_there(done, place)


@pytest.mark.parametrize(
    "argv",
    [
        ["generate", f"my key is {CANARY}"],
        ["chat", "--session", "s", f"my key is {CANARY}"],
        ["chat", "--session", "s", "--system", CANARY, "hi"],
        ["interactions", "get", CANARY],
        ["api", "GET", f"models?x={CANARY}"],
    ],
    ids=repr,
)
def test_a_request_that_holds_the_key_is_neither_sent_nor_saved(argv: list[str], place: Home, server: Server) -> None:
    server.requests.clear()
    done = run_forked(command(*argv, "-vv"), place, place.environ(server.url))
    assert done.status == 3
    assert "the request holds the API key in clear" in done.stderr
    assert list(server.requests) == []
    assert_not_there(done, place)


@pytest.mark.parametrize("where", ["file", "command"])
def test_a_key_of_a_file_or_a_command_is_hidden_as_well(where: str, place: Home) -> None:
    key = place.path / "key"
    key.write_text(f"{CANARY}\n")
    key.chmod(0o600)
    with emulator("echo_key") as server:
        environ = place.environ(server.url, {"GEMINI_API_KEY": ""})
        _default_profile(environ, f"api_key_command: [cat, {json.dumps(str(key))}]\n")
        argv = ["--api-key-file", str(key)] if where == "file" else []
        done = run_forked(command("generate", "hi", "-vv", *argv), place, environ)
    assert done.status == 4
    assert "[redacted]" in done.stderr
    assert_not_there(done, place, besides=key)


def _default_profile(environ: dict[str, str], text: str) -> None:
    profile = Path(environ["XDG_CONFIG_HOME"], "gemini-cli", "profiles", "default.yaml")
    profile.parent.mkdir(parents=True)
    profile.write_text(text)


# Other processes ------------------------------------------------------------------------------------------------------


def test_the_process_table_and_a_core_do_not_have_it(place: Home) -> None:
    with emulator("silence") as server:
        process = Process(command("generate", "hi"), place, place.environ(server.url))
        with killed_at_the_end(process):
            until(lambda: len(server.requests) > 0)
            shown = Path(f"/proc/{process.popen.pid}/cmdline").read_bytes()
            soft, _ = resource.prlimit(process.popen.pid, resource.RLIMIT_CORE)
    assert not [form for form in CANARY_FORMS if form.encode() in shown]
    assert soft <= 1  # byte: no core is that small; with 0 a program that is given cores would still get it (core(5))


WAITING = """
import os, sys, time
class Waiting:
    def find_spec(self, name, path=None, target=None):
        if name == "gemini_cli.cli.app":
            open({log!r}, "x").close()
            time.sleep(60)
sys.meta_path.insert(0, Waiting())
"""


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
@pytest.mark.parametrize("starting", [True, False], ids=["starting", "sending"])
def test_a_crash_leaves_no_core(starting: bool, number: signal.Signals, place: Home) -> None:
    """Where a core would be a file in the working directory, also while the program is imported."""
    reached = place.path / "reached"
    environ = {"PYTHONPATH": str(place.path)} if starting else {}
    (place.path / "sitecustomize.py").write_text(WAITING.format(log=str(reached)))
    with closing(emulator("silence").start()) as server:
        argv = ["/bin/sh", "-c", 'ulimit -c "$(ulimit -H -c)"; exec "$@"', "sh", *command("generate", "hi")]
        process = Process(argv, place, place.environ(server.url, environ))
        with killed_at_the_end(process):
            until(reached.exists if starting else lambda: len(server.requests) > 0)
            process.kill(number)
            assert process.finish().status == -number
    assert list(place.cwd.iterdir()) == []


def test_children_do_not_inherit_it(place: Home) -> None:
    """A key command, and what runs below the emulator; tools are in test_tool_faults.py."""
    environ = {**place.environ(""), "GOOGLE_API_KEY": CANARY}
    below = run(command("emulator", "--", "/bin/sh", "-c", "env; cat /proc/self/environ"), place, environ)
    assert below.status == 0
    assert b"GEMINI_API_KEY=" in below.stdout
    spy = f"env > {shlex.quote(str(place.path / 'seen'))}; echo {'k' * 30}"
    _default_profile(environ, f"api_key_command: [sh, -c, {json.dumps(spy)}]\n")
    with emulator() as server:
        empty = {**place.environ(server.url), "GEMINI_API_KEY": "", "OLD_KEY": "known to the user's own command"}
        assert run(command("generate", "hi"), place, empty).status == 4  # not the emulator's key
    seen = (place.path / "seen").read_text()
    assert "OLD_KEY" in seen
    assert not [form for form in CANARY_FORMS if form in seen + below.stdout.decode()]


# System calls ---------------------------------------------------------------------------------------------------------

WRITTEN = "trace=write,writev,pwrite64,pwritev,sendto,sendmsg,sendmmsg,execve,memfd_create,%file"
HEADER = f"x-goog-api-key: {CANARY}\\r\\n"  # as strace writes it
PIECE = 12  # characters; more than half of the key is in one of two writes, whatever the place of the cut
PATTERN_SCHEMA = '{"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}'
# The most different of COMMANDS, and commands with child processes.
TRACED = {
    "stream": ["stream", "-vv", "-o", "../answer", "hi"],
    "chat": COMMANDS["chat"],
    "upload": COMMANDS["upload"],
    "call-tool": COMMANDS["call-tool"],
    "map": [*COMMANDS["map"], "-j", "4", "--schema", PATTERN_SCHEMA],
    "record": ["generate", "--record", "../recording", "--json", "-vv", "hi"],
    "key file": ["batch", "submit", "../rows.jsonl", "-p", "{_}", "--api-key-file", "../key"],
    "emulator": ["emulator", "-v", "--requests", "../log", "--", "/bin/sh", "-c", "env; cat /proc/self/environ"],
}


@pytest.fixture(scope="module")
def strace() -> None:
    if not sweep.possible():
        pytest.skip("strace is not installed, or may not trace here")


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("name", TRACED)
def test_one_header_of_each_request_is_all_that_is_written_of_it(name: str, place: Home, tmp_path: Path) -> None:
    """In every buffer, file name, argument and environment of a child; in pieces, too."""
    (place.path / "key").write_text(CANARY)
    (place.path / "key").chmod(0o600)
    argv = ["strace", "-f", "-qq", "-v", "-s", "1000000", "-o", str(tmp_path / "trace"), "-e", WRITTEN]
    call = [{"call": {"name": "weather", "arguments": {}}, "times": 1}] if name == "call-tool" else []
    with closing(Server(Emulator(key=CANARY, script=[*call, {"reply": '{"a": "aa"}'}])).start()) as server:
        environ = place.environ(server.url, {"GEMINI_API_KEY": ""} if name == "key file" else {})
        done = run([*argv, *command(*TRACED[name])], place, environ)
        sent = sum(request.headers.get("x-goog-api-key") == CANARY for request in server.requests)
    assert done.status == 0, done
    assert sent > 0 or name == "emulator"
    assert_not_there(done, place, besides=place.path / "key")
    lines = (tmp_path / "trace").read_text("utf-8", "replace").splitlines()
    assert len([line for line in lines if re.match(r"\d+ +sendto\(", line) and line.count(HEADER) == 1]) == sent
    pieces = {form[start : start + PIECE] for form in CANARY_FORMS for start in range(len(form) - PIECE + 1)}
    pattern = re.compile("|".join(map(re.escape, pieces)))
    found = [line for line in lines if pattern.search(line if "sendto(" not in line else line.replace(HEADER, "", 1))]
    started, found = found[:1], found[1:]  # strace starts the program, with its environment
    if name == "key file":
        assert started == []
    else:
        assert re.match(r"\d+ +execve\(.*GEMINI_API_KEY=", started[0])
    assert found == []
    children = {"call-tool": "/bin/sh", "emulator": "/bin/sh", "map": "schema_process"}
    assert name not in children or [line for line in lines if "execve(" in line and children[name] in line]


# Other hosts ----------------------------------------------------------------------------------------------------------


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A host that hangs up on everybody; what each said first."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                heard.append(connection.recv(65536))

    threading.Thread(target=listen, daemon=True).start()
    with closing(listener):
        yield f"127.0.0.1:{listener.getsockname()[1]}", heard
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("name", ["generate", "stream", "upload", "models"])
def test_a_proxy_is_asked_for_a_tunnel_and_hears_no_more(name: str, place: Home) -> None:
    with listening() as (host, heard):
        environ = place.environ("", {"HTTPS_PROXY": f"http://{host}"})
        done = run_forked(command(*COMMANDS[name], "--retries", "0"), place, environ)
    assert done.status == 5
    assert heard
    for asked in heard:
        assert asked.startswith(b"CONNECT generativelanguage.googleapis.com:443 HTTP/1.1\r\n")
        assert not [form for form in CANARY_FORMS if form.encode() in asked]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_redirect_is_not_followed_by_any_command(name: str, place: Home) -> None:
    with RawServer(host="127.0.0.2") as other, emulator(f"redirect('{other.url}/x', times=forever)") as server:
        done = run_forked(command(*COMMANDS[name]), place, place.environ(server.url))
        assert done.status == (11 if name == "map" else 6)
        assert other.connections == 0
    assert_not_there(done, place)


# The working directory ------------------------------------------------------------------------------------------------

SETTINGS = ["default.yaml", "gemini.yaml", ".gemini-cli.yaml", "profiles/default.yaml", "gemini-cli/config.yaml"]
MODULES = [
    f"{name}.py" for name in ("httpx", "certifi", "yaml", "json", "typer", "ssl", "sitecustomize", "usercustomize")
]
BAITS = {
    **dict.fromkeys(MODULES, "raise SystemExit(99)\n"),
    **dict.fromkeys(SETTINGS, "base_url: http://127.0.0.1:1\nretries: x\n"),
    ".env": "GEMINI_BASE_URL=http://127.0.0.1:1\nGEMINI_API_KEY=short\n",
    ".netrc": "default login a password b\n",
    ".gemini/settings.json": "{",
    "pyproject.toml": "[",
}
WATCH = """
import os, sys
here = os.getcwd()
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if path.startswith(here):
            with open({log!r}, "a") as log:
                print(path, file=log)
sys.addaudithook(watch)
"""


@pytest.mark.parametrize("name", ["generate", "stream", "chat", "call-tool", "upload", "map"])
def test_nothing_in_the_working_directory_is_opened(name: str, place: Home, tmp_path: Path, server: Server) -> None:
    """Neither modules nor settings that lie there by chance or by malice, whichever way the program is started."""
    for bait, text in BAITS.items():
        (place.cwd / bait).parent.mkdir(exist_ok=True)
        (place.cwd / bait).write_text(text)
    (tmp_path / "watch").mkdir()
    log = tmp_path / "opened"
    log.touch()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH.format(log=str(log)))
    environ = place.environ(server.url, {"PYTHONPATH": str(tmp_path / "watch")})
    script = [str(Path(sys.executable).with_name("gemini-cli"))]
    for program in (script if Path(script[0]).exists() else command(), command()):
        done = run([*program, *COMMANDS[name]], place, environ)
        assert (done.status, done.stderr) == (0, "")
    assert log.read_text() == ""
    subprocess.run([sys.executable, "-c", "open('.env')"], cwd=place.cwd, env=environ, check=True)
    assert ".env" in log.read_text(), "the watch is blind"
