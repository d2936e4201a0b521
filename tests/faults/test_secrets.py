"""The key is in one header of a request, and nowhere else (cli.md 7); and nothing is taken from the working directory.

`assert_always_true` looks for the key after every run in this folder. Here are the places where one would look who
wants it: each command at its most talkative, a key put in a wrong place, children, the process table, other hosts.
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gemini_cli.emulator.server import Server
from tests.harness import gemini

from .program import CANARY, CANARY_FORMS, Home, Process, command, killed_at_the_end, run
from .rawserver import RawServer
from .scenes import emulator
from .test_process_faults import until

# Every command that sends something; the files are in the working directory of a test.
COMMANDS = {
    "generate": ["generate", "hi"],
    "stream": ["stream", "hi"],
    "the older family": ["stream", "--api", "generate-content", "hi"],
    "chat": ["chat", "--session", "s", "hi"],
    "history": ["generate", "--history", "history.json", "hi"],
    "upload": ["upload", "note.txt"],
    "attach": ["generate", "--upload", "-a", "note.txt", "hi"],
    "call-tool": ["call-tool", "-T", "tools.json", "hi"],
    "map": ["map", "rows.jsonl", "--checkpoint", "kept"],
    "batch": ["batch", "submit", "rows.jsonl"],
    "batch list": ["batch", "list"],
    "tokens": ["tokens", "hi"],
    "models": ["models", "list"],
    "files": ["files", "list"],
    "download": ["files", "download", "files/none", "-o", "none"],
    "interactions": ["interactions", "get", "v1_none"],
    "config": ["config", "show"],
}
REQUESTS = ["generate", "stream", "the older family", "chat", "call-tool", "attach"]


@pytest.fixture(autouse=True)
def files() -> None:
    Path("note.txt").write_text("a note")
    Path("rows.jsonl").write_text('"one"\n"two"\n')
    Path("tools.json").write_text(json.dumps([{"name": "weather", "run": ["/bin/sh", "-c", "env"]}]))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with emulator() as serving:
        yield serving


def assert_not_there(*texts: str, besides: Path | None = None) -> None:
    """In none of its forms, in what was said or in any file of this test."""
    kept = [path for path in Path.cwd().parent.rglob("*") if path.is_file() and path != besides]
    for form in CANARY_FORMS:
        assert not [text for text in texts if form in text], "the key was said"
        assert not [path for path in kept if form.encode() in path.read_bytes()], "the key was written"


# What is said and written ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("voice", [[], ["-v"], ["-vv"], ["-vv", "--json"]], ids=" ".join)
@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_said_or_written_holds_the_key(name: str, voice: list[str], server: Server) -> None:
    environ = {"GEMINI_API_KEY": CANARY, "GEMINI_BASE_URL": server.url, "HOME": str(Path.home())}
    server.requests.clear()
    done = gemini(*COMMANDS[name], *voice, answers=None, environ=environ)
    assert done.status == (6 if "none" in COMMANDS[name][-1] else 0), done
    assert_not_there(done.out, done.err)
    assert all(request.headers["x-goog-api-key"] == CANARY for request in server.requests)
    assert not [form for form in CANARY_FORMS for request in server.requests if form in request.target]
    assert (name == "config") == (not server.requests)


@pytest.mark.parametrize("voice", [[], ["-vv"], ["--json"]], ids=" ".join)
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "config"])
def test_a_server_that_repeats_the_key_is_not_repeated(name: str, voice: list[str]) -> None:
    with emulator("echo_key(times=forever)") as server:
        environ = {"GEMINI_API_KEY": CANARY, "GEMINI_BASE_URL": server.url, "HOME": str(Path.home())}
        done = gemini(*COMMANDS[name], *voice, answers=None, environ=environ)
    assert done.status in (4, 11)
    assert "[redacted]" in done.out + done.err
    assert_not_there(done.out, done.err)


@pytest.mark.parametrize("show", ["-n", "--curl"])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_that_is_only_shown_has_no_key(name: str, show: str) -> None:
    argv = [word for word in COMMANDS[name] if word != "--upload"]
    done = gemini(*argv, show, "-vv", environ={"GEMINI_API_KEY": CANARY, "HOME": str(Path.home())})
    assert done.status == 0
    assert_not_there(done.out, done.err)


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["generate", "--base-url", f"https://127.0.0.1:1/?key={CANARY}", "hi"], {}),
        (["generate", "--base-url", f"https://user:{CANARY}@127.0.0.1:1", "hi"], {}),
        (["generate", "--base-url", f"https://127.0.0.1:{CANARY}", "hi"], {}),
        (["generate", "--retries", "0", "hi"], {"HTTPS_PROXY": f"http://user:{CANARY}@127.0.0.1:1"}),
        (["generate", "--api-key", CANARY, "hi"], {}),
        (["generate", f"--api-key={CANARY}", "hi"], {}),
        (["generate", f"--{CANARY}", "hi"], {}),
        (["generate", "--api-key-file", CANARY, "hi"], {}),
        (["generate", "-f", CANARY], {}),
        (["generate", "--retries", CANARY, "hi"], {}),
        (["generate", "-P", CANARY, "hi"], {}),
        (["chat", "--session", CANARY, "hi"], {}),
        (["generate", "hi"], {"GOOGLE_API_KEY": f"{CANARY} "}),
        (["generate", "hi"], {"GEMINI_IDLE_TIMEOUT": CANARY, "GEMINI_RETRIES": CANARY, "GEMINI_TIMEOUT": CANARY}),
        ([CANARY], {}),
    ],
    ids=lambda value: "",
)
def test_a_key_in_a_wrong_place_is_not_repeated(argv: list[str], environ: dict[str, str]) -> None:
    for voice in ([], ["-vv"], ["--json"]):
        everything = {"GEMINI_API_KEY": CANARY, "HOME": str(Path.home()), **environ}
        done = gemini(*argv, *voice, answers=None, environ=everything)
        assert done.status in (2, 3, 4, 5)
        assert_not_there(done.out, done.err)


def test_a_key_of_a_file_or_a_command_is_hidden_as_well(server: Server) -> None:
    (Path.home() / "key").write_text(f"{CANARY}\n")
    (Path.home() / "key").chmod(0o600)
    profile = Path.home() / ".config" / "gemini-cli" / "profiles" / "default.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(f"api_key_command: [cat, {Path.home()}/key]\n")
    environ = {"GEMINI_API_KEY": "", "HOME": str(Path.home()), "PATH": os.environ["PATH"]}
    for argv in ([], ["--api-key-file", str(Path.home() / "key")]):
        with emulator("echo_key") as talkative:
            environ["GEMINI_BASE_URL"] = talkative.url
            done = gemini("generate", "hi", "-vv", *argv, answers=None, environ=environ)
        assert done.status == 4
        assert "[redacted]" in done.err
        assert_not_there(done.out, done.err, besides=Path.home() / "key")


# Other processes ------------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(tmp_path / "fault")


def test_the_process_table_and_a_core_do_not_have_it(place: Home) -> None:
    with emulator("silence") as server:
        process = Process(command("generate", "hi"), place, place.environ(server.url))
        with killed_at_the_end(process):
            until(lambda: len(server.requests) > 0)
            shown = Path(f"/proc/{process.popen.pid}/cmdline").read_bytes()
            soft, _ = resource.prlimit(process.popen.pid, resource.RLIMIT_CORE)
    assert not [form for form in CANARY_FORMS if form.encode() in shown]
    assert soft <= 1  # byte: no core is that small; with 0 a program that is given cores would still get it (core(5))


def test_children_do_not_inherit_it(place: Home) -> None:
    """A key command, and what runs below the emulator; tools are in test_tool_faults.py."""
    environ = {**place.environ(""), "GOOGLE_API_KEY": CANARY}
    below = run(command("emulator", "--", "/bin/sh", "-c", "env; cat /proc/self/environ"), place, environ)
    assert below.status == 0
    assert b"GEMINI_API_KEY=" in below.stdout
    profile = Path(environ["XDG_CONFIG_HOME"], "gemini-cli", "profiles", "default.yaml")
    profile.parent.mkdir(parents=True)
    spy = f"env > {shlex.quote(str(place.path / 'seen'))}; echo {'k' * 30}"
    profile.write_text(f"api_key_command: [sh, -c, {json.dumps(spy)}]\n")
    with emulator() as server:
        empty = {**place.environ(server.url), "GEMINI_API_KEY": "", "OLD_KEY": "known to the user's own command"}
        assert run(command("generate", "hi"), place, empty).status == 4  # not the emulator's key
    seen = (place.path / "seen").read_text()
    assert "OLD_KEY" in seen
    assert not [form for form in CANARY_FORMS if form in seen + below.stdout.decode()]


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
def test_a_proxy_is_asked_for_a_tunnel_and_hears_no_more(name: str) -> None:
    with listening() as (host, heard):
        environ = {"GEMINI_API_KEY": CANARY, "HOME": str(Path.home()), "HTTPS_PROXY": f"http://{host}"}
        done = gemini(*COMMANDS[name], "--retries", "0", answers=None, environ=environ)
    assert done.status == 5
    [asked] = heard
    assert asked.startswith(b"CONNECT generativelanguage.googleapis.com:443 HTTP/1.1\r\n")
    assert not [form for form in CANARY_FORMS if form.encode() in asked]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "config"])
def test_a_redirect_is_not_followed_by_any_command(name: str) -> None:
    with RawServer(host="127.0.0.2") as other, emulator(f"redirect('{other.url}/x', times=forever)") as server:
        environ = {"GEMINI_API_KEY": CANARY, "GEMINI_BASE_URL": server.url, "HOME": str(Path.home())}
        done = gemini(*COMMANDS[name], answers=None, environ=environ)
        assert done.status in (6, 11)
        assert other.connections == 0
    assert_not_there(done.out, done.err)


# The working directory ------------------------------------------------------------------------------------------------

SETTINGS = ["default.yaml", "gemini.yaml", ".gemini-cli.yaml", "profiles/default.yaml", "gemini-cli/config.yaml"]
MODULES = [f"{name}.py" for name in ("httpx", "yaml", "json", "typer", "ssl", "sitecustomize")]
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
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes)):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if path.startswith(here):
            with open({log!r}, "a") as log:
                print(event, path, file=log)
sys.addaudithook(watch)
"""


@pytest.mark.parametrize("name", ["generate", "stream", "chat", "call-tool", "upload", "map"])
def test_nothing_in_the_working_directory_is_opened(name: str, place: Home, tmp_path: Path, server: Server) -> None:
    """Neither modules nor settings that lie there by chance or by malice; what the command line names is elsewhere."""
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
        there = [str(Path(word).absolute()) if Path(word).exists() else word for word in COMMANDS[name]]
        done = run([*program, *there], place, environ)
        assert (done.status, done.stderr) == (0, "")
    assert log.read_text() == ""
    subprocess.run([sys.executable, "-c", "open('.env')"], cwd=place.cwd, env=environ, check=True)
    assert ".env" in log.read_text(), "the watch is blind"
