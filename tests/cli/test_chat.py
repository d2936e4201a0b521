"""`chat` in-process: turns from words and from a pipe, sessions, and what is kept of them."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_cli.storage.state_dir import StateDirectory
from tests import harness
from tests.harness import KEY, Outcome, ScriptedTransport, completed, created, interaction, reply, sse, start, text

THOUGHT = {"type": "thought", "signature": "QUJD"}


def spoken(said: str, interaction_id: str = "v1_a", **more: Any) -> httpx.Response:
    """A streamed answer; an empty id is that of an interaction that is not stored."""
    begun = {"event_type": "step.start", "index": 0, "step": THOUGHT}
    last = completed(**{"id": interaction_id, **more})
    return sse(created(interaction_id), begun, start(1), text(said, 1), last)


def gemini(*argv: str, environ: dict[str, str] | None = None, **more: Any) -> Outcome:
    """With a home, in which sessions are kept."""
    return harness.gemini(*argv, environ={"HOME": os.environ["HOME"], **(environ or {})}, **more)


def chat(*argv: str, stdin: bytes = b"", answers: Any = ()) -> tuple[Outcome, list[Any]]:
    """The outcome, and the bodies that were sent."""
    wire = ScriptedTransport(answers)
    outcome = gemini("chat", "-m", "m", *argv, stdin=stdin, answers=wire)
    return outcome, [json.loads(call.content) for call in wire.requests if call.method == "POST"]


def kept(home: Path, name: str = "dogs") -> Any:
    return json.loads(path(home, name).read_bytes())


def path(home: Path, name: str = "dogs") -> Path:
    return home / ".local/state/gemini-cli/sessions" / f"{name}.json"


# In a pipe ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "stdin"),
    [
        ([], b"one\n\n \ntwo\n"),
        ([], b"one\ntwo"),
        ([], b"one\r\ntwo\r\n"),
        (["-0"], b"one\0two\0"),
        (["-0"], b"one\0two"),
    ],
)
def test_each_record_of_stdin_is_a_turn(argv: list[str], stdin: bytes) -> None:
    outcome, bodies = chat(*argv, stdin=stdin, answers=[spoken("1"), spoken("2", "v1_b")])
    assert outcome == (0, "1\n2\n", "")
    assert [body["input"].strip() for body in bodies] == ["one", "two"]
    assert [body.get("previous_interaction_id") for body in bodies] == [None, "v1_a"]


def test_a_message_between_nuls_may_have_lines() -> None:
    _, bodies = chat("-0", stdin=b"one\nline\0", answers=[spoken("1")])
    assert bodies[0]["input"] == "one\nline"


def test_json_is_one_interaction_a_line_as_the_server_sent_it() -> None:
    first, second = {**interaction("1"), "new": [1]}, {**interaction("2"), "id": "v1_b"}
    outcome, bodies = chat("--json", stdin=b"one\ntwo\n", answers=[reply(first), reply(second)])
    assert [json.loads(line) for line in outcome.out.splitlines()] == [first, second]
    assert "stream" not in bodies[0]
    assert bodies[1]["previous_interaction_id"] == "v1_a"


def test_settings_are_said_in_every_turn() -> None:
    argv = ["-s", "be terse", "-T", "google_search", "--temperature", "0.5"]
    _, bodies = chat(*argv, stdin=b"one\ntwo\n", answers=[spoken("1"), spoken("2")])
    for body in bodies:
        assert body["system_instruction"] == "be terse"
        assert body["tools"] == [{"type": "google_search"}]
        assert body["generation_config"] == {"temperature": 0.5}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (reply({"error": {"code": "authentication", "message": "No."}}, 401), 4),
        (sse(created(), start(), text("half"), completed("incomplete")), 8),
        (sse(created(), completed("failed", errors=[{"code": "safety", "message": "No."}])), 9),
    ],
)
def test_a_failed_turn_ends_the_run_with_its_own_status(answer: httpx.Response, status: int) -> None:
    outcome, bodies = chat(stdin=b"one\ntwo\nthree\n", answers=[spoken("1"), answer])
    assert outcome.status == status
    assert outcome.out.startswith("1\n")
    assert len(bodies) == 2


def test_attachments_and_the_prompt_of_a_profile_belong_to_the_first_turn(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("a note")
    (tmp_path / "p.yaml").write_text("prompt: Answer in French.")
    argv = ["-P", str(tmp_path / "p.yaml"), "-a", str(tmp_path / "note.txt")]
    _, bodies = chat(*argv, stdin=b"one\ntwo\n", answers=[spoken("1"), spoken("2")])
    assert bodies[0]["input"] == [
        {"type": "text", "text": "Answer in French. one"},
        {"type": "text", "text": "a note"},
    ]
    assert bodies[1]["input"] == "two"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "no prompt"),
        (["-o", "x"], "--output"),
        (["-n"], "--dry-run"),
        (["--request", "-"], "-"),
        (["--resend", "hi"], "--resend"),
        (["--remote", "hi"], "--remote"),
        (["--no-stdin"], "--no-stdin"),
        (["-0", "hi"], "--null"),
        (["--list", "-0"], "--null"),
        (["--background", "hi"], "--background"),
        (["--list", "hi"], "a prompt"),
        (["--list", "--session", "a"], "exclude"),
        (["--no-store", "--previous", "v1_x", "hi"], "v1_x"),
        *[(["--session", name, "hi"], "session") for name in ("../x", "/etc/x", ".x", "a/b", "a" * 65, "CON", "a\nb")],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(argv: list[str], said: str, home: Path) -> None:
    outcome, _ = chat(*argv, stdin=b"\n")
    assert outcome.status == 2
    assert said in outcome.err
    assert not (home / ".local").exists()


# Sessions -----------------------------------------------------------------------------------------------------------


def test_a_session_goes_on_where_it_was(home: Path) -> None:
    chat("--session", "dogs", "-s", "terse", "I have 2 dogs.", answers=[spoken("Nice.")])
    outcome, bodies = chat("--session", "dogs", "Paws?", answers=[spoken("8", "v1_b")])
    assert outcome == (0, "8\n", "")
    assert bodies == [
        {
            "model": "m",
            "system_instruction": "terse",
            "stream": True,
            "previous_interaction_id": "v1_a",
            "input": "Paws?",
        }
    ]
    record = kept(home)
    assert record["settings"] == {"model": "m", "system_instruction": "terse"}
    assert [(turn["input"], turn["status"], turn["id"]) for turn in record["turns"]] == [
        ("I have 2 dogs.", "completed", "v1_a"),
        ("Paws?", "completed", "v1_b"),
    ]
    assert oct(path(home).stat().st_mode & 0o777) == "0o600"
    assert oct(path(home).parent.stat().st_mode & 0o777) == "0o700"


def test_a_flag_changes_the_session_from_then_on(home: Path) -> None:
    chat("--session", "dogs", "-s", "terse", "one", answers=[spoken("1")])
    gemini("chat", "--session", "dogs", "-m", "other", "two", answers=[spoken("2", "v1_b")])
    outcome = gemini("chat", "-n", "--session", "dogs", "three", environ={"GEMINI_MODEL": "not-this"})
    assert outcome.body["model"] == "other"
    assert outcome.body["system_instruction"] == "terse"


def test_without_a_store_every_step_is_said_again(home: Path) -> None:
    chat("--session", "dogs", "--no-store", "one", answers=[spoken("1", "")])
    _, bodies = chat("--session", "dogs", "two", answers=[spoken("2", "")])
    assert bodies[0]["input"] == [
        {"type": "user_input", "content": [{"type": "text", "text": "one"}]},
        THOUGHT,
        {"type": "model_output", "content": [{"type": "text", "text": "1"}]},
        {"type": "user_input", "content": [{"type": "text", "text": "two"}]},
    ]
    assert bodies[0]["store"] is False


def test_the_users_turn_is_on_the_disk_before_it_is_sent(home: Path) -> None:
    seen: list[Any] = []

    class Looking(ScriptedTransport):
        def handle_request(self, call: httpx.Request) -> httpx.Response:
            seen.append(kept(home)["turns"][-1]["status"])
            return super().handle_request(call)

    gemini("chat", "--session", "dogs", "one", answers=Looking([spoken("1")]))
    assert seen == ["sent"]
    assert kept(home)["turns"][-1]["status"] == "completed"


def test_a_cut_turn_is_marked_and_never_sent_back(home: Path) -> None:
    broken = sse(created("v1_x"), start(), text("half"), httpx.ReadError("gone"))
    gone = [reply({"error": {"code": "not_found", "message": "Not found."}}, 404)] * 2
    chat("--session", "dogs", "one", answers=[spoken("1")])
    outcome, _ = chat("--session", "dogs", "two", answers=[broken, *gone])
    assert (outcome.status, outcome.out) == (8, "half")
    cut = kept(home)["turns"][-1]
    assert (cut["status"], cut["id"], cut["steps"][0]["content"][0]["text"]) == ("cut", "v1_x", "half")
    _, bodies = chat("--session", "dogs", "three", answers=[spoken("3", "v1_c")])
    assert bodies[0]["previous_interaction_id"] == "v1_a"
    outcome = gemini("chat", "--show", "dogs")
    assert "> two\n\nhalf\n[cut]\n" in outcome.out


def test_what_the_service_forgot_is_said_again_on_request(home: Path) -> None:
    chat("--session", "dogs", "one", answers=[spoken("1")])
    lost = reply({"error": {"code": "not_found", "message": "Requested entity was not found."}}, 404)
    outcome, _ = chat("--session", "dogs", "two", answers=[lost])
    assert outcome.status == 6
    assert "--resend" in outcome.err
    outcome, bodies = chat("--session", "dogs", "--resend", "two", answers=[spoken("2", "v1_n")])
    assert outcome.out == "2\n"
    assert "previous_interaction_id" not in bodies[0]
    assert len(bodies[0]["input"]) == 4
    _, bodies = chat("--session", "dogs", "three", answers=[spoken("3", "v1_o")])
    assert bodies[0]["previous_interaction_id"] == "v1_n"


def test_a_history_that_is_not_known_here_cannot_be_said_again(home: Path) -> None:
    chat("--session", "dogs", "--previous", "v1_elsewhere", "one", answers=[spoken("1")])
    outcome, _ = chat("--session", "dogs", "--resend", "two")
    assert (outcome.status, "not saved on this machine" in outcome.err) == (2, True)
    outcome, _ = chat("--session", "dogs", "--no-store", "two")
    assert (outcome.status, "not saved on this machine" in outcome.err) == (2, True)
    outcome, _ = chat("--session", "dogs", "--previous", "v1_other", "two")
    assert (outcome.status, "history of its own" in outcome.err) == (2, True)


def test_list_show_and_delete(home: Path) -> None:
    chat("--session", "dogs", "one", answers=[spoken("1")])
    chat("--session", "cats", "two", answers=[spoken("2", "v1_b")])
    assert [line.split("\t")[:3] for line in gemini("chat", "--list").out.splitlines()] == [
        ["cats", "1", "completed"],
        ["dogs", "1", "completed"],
    ]
    assert gemini("chat", "--show", "dogs").out == "> one\n\n1\n\n"
    assert gemini("chat", "--show", "dogs", "--json").json["turns"][0]["input"] == "one"
    wire = ScriptedTransport([reply({})])
    assert gemini("chat", "--delete", "dogs", "--remote", answers=wire).status == 0
    assert [call.method for call in wire.requests] == ["DELETE"]
    assert str(wire.requests[0].url).endswith("interactions/v1_a")
    assert not path(home).exists()
    assert gemini("chat", "--show", "dogs").status == 3
    assert gemini("chat", "--delete", "dogs").status == 3


def test_a_busy_session_names_its_holder(home: Path) -> None:
    chat("--session", "dogs", "one", answers=[spoken("1")])
    with StateDirectory({"HOME": str(home)}).lock("session dogs"):
        outcome, bodies = chat("--session", "dogs", "one")
        deleted = gemini("chat", "--delete", "dogs", "--remote")
    assert (outcome.status, bodies, deleted.status) == (3, [], 3)
    assert f"process {os.getpid()}" in outcome.err


def test_a_session_keeps_the_address_of_a_large_file_not_its_bytes(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(bytes(3000))
    argv = ("chat", "--session", "dogs", "-a", str(tmp_path / "a.png"), "--inline-limit", "1000", "look")
    refused = reply({"error": {"code": 403, "message": "m"}}, 403)
    assert gemini(*argv, answers=[refused]).status == 4
    assert not path(home).exists()
    begun = reply(b"", headers={"x-goog-upload-url": UPLOAD, "x-goog-upload-status": "active"})
    file = {"name": "files/a", "uri": "https://x.example/files/a", "mimeType": "image/png", "state": "ACTIVE"}
    ended = reply({"file": file}, headers={"x-goog-upload-status": "final"})
    assert gemini(*argv, answers=[begun, ended, spoken("1")]).status == 0
    assert [part.get("uri") for part in kept(home)["turns"][0]["input"]] == [None, file["uri"]]
    assert path(home).stat().st_size < 3000


UPLOAD = "https://generativelanguage.googleapis.com/upload/v1beta/files?upload_id=x"


def test_a_turn_that_cannot_be_read_is_no_part_of_the_one_before() -> None:
    outcome, _ = chat(stdin=b"one\ntwo\xff\n", answers=[spoken("1")])
    assert (outcome.status, outcome.out) == (3, "1\n")


SOUND = {"format": 1, "settings": {}, "turns": []}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"format": 1, "settings": {}, "tur',
        b"[]",
        b'{"format": 2, "settings": {}, "turns": []}',
        b'{"format": 1, "settings": [], "turns": []}',
        b'{"format": 1, "settings": {}, "turns": [{}]}',
        b'{"format": 1, "settings": {}, "turns": [1]}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_session_is_refused_and_left_alone(home: Path, content: bytes) -> None:
    path(home).parent.mkdir(parents=True)
    path(home).write_bytes(content)
    path(home).chmod(0o600)
    outcome, bodies = chat("--session", "dogs", "one")
    assert (outcome.status, outcome.out, bodies) == (3, "", [])
    assert path(home).read_bytes() == content


def test_a_damaged_session_does_not_hide_the_others(home: Path) -> None:
    path(home).parent.mkdir(parents=True)
    for name, content in {"a": "{", "dogs": json.dumps(SOUND), "z": "[]"}.items():
        place = path(home).with_name(f"{name}.json")
        place.write_text(content)
        place.chmod(0o600)
    outcome = gemini("chat", "--list")
    assert (outcome.status, outcome.out.split("\t")[:2]) == (0, ["dogs", "0"])
    assert [line.partition(": ")[2][:10] for line in outcome.err.splitlines()] == ["session a ", "session z "]


def _link(place: Path) -> None:
    target = place.parent / "target"
    target.write_text(json.dumps(SOUND))
    target.chmod(0o600)
    place.symlink_to(target)


def _open_to_others(place: Path) -> None:
    place.write_text(json.dumps(SOUND))
    place.chmod(0o644)


@pytest.mark.parametrize("make", [_link, _open_to_others, Path.mkdir, os.mkfifo])
def test_an_unsafe_session_is_refused_and_left_alone(home: Path, make: Any) -> None:
    path(home).parent.mkdir(parents=True)
    make(path(home))
    before = path(home).lstat()
    outcome, bodies = chat("--session", "dogs", "one")
    assert (outcome.status, bodies) == (3, [])
    assert path(home).lstat() == before


def test_a_session_that_cannot_be_written_costs_the_status_not_the_answer(home: Path) -> None:
    chat("--session", "dogs", "one", answers=[spoken("1")])
    before = path(home).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # a full disk, for root too
    try:
        outcome, bodies = chat("--session", "dogs", "two", answers=[spoken("2")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (outcome.status, outcome.out) == (13, "2\n")
    assert len(bodies) == 1
    assert path(home).read_bytes() == before
    assert list(path(home).parent.iterdir()) == [path(home)]


def test_no_key_is_kept(home: Path) -> None:
    chat("--session", "dogs", f"my key is {KEY[:8]}", answers=[spoken("1")])
    assert all(KEY.encode() not in file.read_bytes() for file in home.rglob("*") if file.is_file())


# A history in a file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["generate", "stream"])
def test_a_history_is_read_and_written_back(command: str, tmp_path: Path) -> None:
    file = str(tmp_path / "h.json")
    plain = {"status": "completed", "steps": [THOUGHT, {"type": "odd", "x": 1}]}
    steps = interaction("1")["steps"]
    answer = {**plain, "steps": [*plain["steps"], *steps]}
    gemini("generate", "--history", file, "-m", "m", "one", answers=[reply(answer)])
    wire = ScriptedTransport([spoken("2", "") if command == "stream" else reply({**interaction("2")})])
    gemini(command, "--history", file, "-m", "m", "two", answers=wire)
    user = [{"type": "user_input", "content": [{"type": "text", "text": word}]} for word in ("one", "two")]
    body = json.loads(wire.requests[0].content)
    assert body["input"] == [user[0], *answer["steps"], user[1]]
    assert body["store"] is False
    written = json.loads(Path(file).read_bytes())
    assert written[: len(body["input"])] == body["input"]
    assert written[-1]["content"][0]["text"] == "2"


def test_a_turn_that_another_run_added_meanwhile_is_not_lost(tmp_path: Path) -> None:
    kept = tmp_path / "h.json"

    class Racing(ScriptedTransport):
        def handle_request(self, call: httpx.Request) -> httpx.Response:
            kept.write_text('[{"type": "user_input", "content": []}]')
            return super().handle_request(call)

    outcome = gemini("generate", "--history", str(kept), "hi", answers=Racing([reply(interaction("1"))]))
    assert (outcome.status, outcome.out) == (13, "1\n")
    assert "changed by another run" in outcome.err
    assert json.loads(kept.read_text()) == [{"type": "user_input", "content": []}]


def test_a_history_of_the_older_api_is_sent_without_a_field_for_storage(tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    contents = [{"role": "user", "parts": [{"text": "Hello"}]}, {"role": "model", "parts": [{"text": "Hi."}]}]
    file.write_text(json.dumps(contents))
    argv = ["generate", "-n", "--api", "generate-content", "--history", str(file)]
    assert gemini(*argv, "How many paws?").body == {
        "contents": [*contents, {"role": "user", "parts": [{"text": "How many paws?"}]}]
    }
    assert gemini(*argv, "--no-store", "hi").body["store"] is False
    assert gemini("generate", "-n", "--history", str(file), "hi").body["store"] is False


PAST = [
    {"type": "user_input", "content": [{"type": "text", "text": "Hello"}]},
    {"type": "model_output", "content": [{"type": "text", "text": "Hi."}]},
]


def user(text: str) -> dict[str, Any]:
    return {"type": "user_input", "content": [{"type": "text", "text": text}]}


def test_a_chat_begins_with_a_given_history(tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    file.write_text(json.dumps(PAST))
    wire = ScriptedTransport([spoken("8"), spoken("12")])
    outcome = gemini("chat", "--history", str(file), stdin=b"two dogs\nthree\n", answers=wire)
    assert (outcome.status, outcome.out) == (0, "8\n12\n")
    assert wire.body(0)["input"] == [*PAST, user("two dogs")]
    assert (wire.body(1)["input"], wire.body(1)["previous_interaction_id"]) == ("three", "v1_a")
    assert json.loads(file.read_text()) == PAST
    older = gemini("chat", "-n", "--api", "generate-content", "--history", str(file), "two dogs")
    assert [content["role"] for content in older.body["contents"]] == ["user", "model", "user"]


def test_a_session_keeps_the_history_that_it_began_with(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    file.write_text(json.dumps(PAST))
    chat("--session", "dogs", "--history", str(file), "two dogs", answers=[spoken("8")])
    _, (body,) = chat("--session", "dogs", "--resend", "again", answers=[spoken("8")])
    assert body["input"] == [*PAST, user("two dogs"), THOUGHT, *interaction("8")["steps"], user("again")]
    assert chat("--show", "dogs")[0].out.startswith("> Hello\n\nHi.\n\n> two dogs\n\n8\n")
    refused, _ = chat("--session", "dogs", "--history", str(file), "x")
    assert (refused.status, "history of its own" in refused.err) == (2, True)
    for argv in (["--list"], ["--show", "dogs"], ["--previous", "v1_a", "hi"]):
        assert chat("--history", str(file), *argv)[0].status == 2


def test_the_messages_of_a_session_are_shown_with_their_roles(home: Path) -> None:
    chat("--session", "dogs", "I have\ntwo dogs", answers=[spoken("Nice.")])
    chat("--session", "dogs", "How many paws?", answers=[spoken("8")])
    assert chat("--show", "dogs", "--roles")[0].out == (
        "role - user: I have\ntwo dogs\nrole - model: Nice.\nrole - user: How many paws?\nrole - model: 8\n"
    )
    for argv in (["--roles"], ["--list", "--roles"], ["--show", "dogs", "--roles", "--json"]):
        assert chat(*argv)[0].status == 2


@pytest.mark.parametrize(
    "content", [b'[{"role": "user", "parts": 7}]', b'[{"role": "user"}]', b'[{"parts": [], "type": 1}, 2]']
)
def test_what_is_no_list_of_contents_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "h.json"
    file.write_bytes(content)
    assert gemini("chat", "--history", str(file), "hi").status == 3


def test_calls_that_wait_are_in_the_history(tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    call = {"type": "function_call", "id": "q", "name": "f", "arguments": {}}
    outcome = gemini(
        "generate", "--history", str(file), "one", answers=[reply({"status": "requires_action", "steps": [call]})]
    )
    assert outcome.status == 10
    assert json.loads(file.read_bytes())[-1] == call


@pytest.mark.parametrize(
    ("content", "argv", "status"),
    [
        (b"{}", [], 3),
        (b"[1]", [], 3),
        (b"[{", [], 3),
        (b"[]", ["-c"], 2),
        (b"[]", ["--previous", "v1_a"], 2),
        (b"[]", ["--set", "previous_interaction_id=v1_a"], 2),
        (b"[]", ["--set", "continuation_token=t"], 2),
    ],
)
def test_what_is_no_history_is_refused(tmp_path: Path, content: bytes, argv: list[str], status: int) -> None:
    file = tmp_path / "h.json"
    file.write_bytes(content)
    assert gemini("generate", "--history", str(file), *argv, "one").status == status
    assert file.read_bytes() == content


def test_a_turn_that_fails_leaves_the_history_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    file.write_bytes(b"[]")
    assert (
        gemini("generate", "--history", str(file), "one", answers=[reply(interaction("1", "incomplete"))]).status == 8
    )
    assert file.read_bytes() == b"[]"
    assert gemini("generate", "--history", "-", "one").status == 2
