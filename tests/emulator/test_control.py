"""The control of a running server, its sandboxes, and its strict leftovers."""

import hashlib
import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gemini_cli.emulator.http import request_log
from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from tests.waiting import PATIENCE

from .in_memory_client import MODEL, InMemoryClient, Response, text

CREATE = "/v1beta/interactions"


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(Emulator()).start()  # no `with`: leftovers are part of the tests
    yield running
    running.close()


def send(server: Server, method: str, target: str, body: Any = None, **headers: str) -> Response:
    """A request with the key and the token; a header of None is left out."""
    given = {"x-goog-api-key": server.key, "x-emulator-token": server.token}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    data = None if body is None else json.dumps(body)
    connection.request(method, target, data, {"content-type": "application/json", **given})
    answer = connection.getresponse()
    found = Response(answer.status, dict(answer.getheaders()), answer.read())
    connection.close()
    return found


def create(server: Server, prompt: str, base: str = "", **headers: str) -> Any:
    return send(server, "POST", f"{base}{CREATE}", {"model": MODEL, "input": prompt}, **headers)


def prompts(server: Server, base: str = "") -> list[str]:
    """The prompts of the creates that the control lists."""
    found = send(server, "GET", f"{base}/emulator/requests").json
    return [each["body"]["input"] for each in found if each["method"] == "POST"]


# --- control


def test_a_script_is_replaced(server: Server) -> None:
    assert send(server, "PUT", "/emulator/script", [{"reply": "One"}]).json == {}
    assert text(create(server, "Hi").json) == "One"
    send(server, "PUT", "/emulator/script", [{"reply": "Two"}])
    assert text(create(server, "Hi").json) == "Two"


def test_faults_are_added(server: Server) -> None:
    assert send(server, "POST", "/emulator/faults", ["refuse(503)", "refuse(429)"]).json == {}
    assert [create(server, "Hi").status for _ in range(3)] == [503, 429, 200]


def test_requests_are_listed_without_key_and_token(server: Server) -> None:
    target, headers = f"{CREATE}?key={server.key}&alt=json", {"x_goog_api_key": "", "x_goog_user_project": "p"}
    assert send(server, "POST", target, {"model": MODEL, "input": "Hi"}, **headers).status == 200
    answer = send(server, "GET", "/emulator/requests")
    [found] = answer.json
    assert found == {
        "method": "POST",
        "path": CREATE,
        "query": {"alt": "json"},
        "headers": {"content-type": "application/json", "x-goog-user-project": "p"},
        "body": {"model": MODEL, "input": "Hi"},
    }
    assert server.key.encode() not in answer.body
    assert server.token.encode() not in answer.body


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", None),
        (b'{"a": [1]}', {"a": [1]}),
        (b"two words", "two words"),
        (b"[NaN, 1e999]", "[NaN, 1e999]"),
        (b"[" * 100_000, "[" * 100_000),
        (b"\xff\xfe", {"size": 2, "sha256": hashlib.sha256(b"\xff\xfe").hexdigest()}),
    ],
    ids=["empty", "JSON", "text", "not finite", "deep", "bytes"],
)
def test_a_body_in_json(body: bytes, shown: Any) -> None:
    assert request_log.RecordedRequest("POST", "/", {}, body, 0, len(body)).as_json()["body"] == shown


def test_a_large_body_is_given_by_its_size(server: Server) -> None:
    create(server, "x" * request_log.SHOWN_BODY_LIMIT)
    [found] = send(server, "GET", "/emulator/requests").json
    assert found["body"]["size"] > request_log.SHOWN_BODY_LIMIT


def test_the_oldest_requests_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "LOG_LIMIT", 3 * request_log.HEAD_SIZE)
    log = request_log.RequestLog()
    for number in range(5):
        log.add(request_log.RecordedRequest("GET", f"/{number}", {}, b"", 0, 0))
    assert [each.target for each in log] == ["/2", "/3", "/4"]


def test_a_reset_begins_again_and_says_what_was_not_used() -> None:
    with Server(
        Emulator(script=[{"when": "one", "reply": "One", "times": 1}], faults=["refuse(503, on=create)"])
    ) as server:
        assert [create(server, "one").status for _ in range(2)] == [503, 200]
        made = create(server, "two").json
        assert send(server, "POST", "/emulator/reset").json == {
            "unused": [f'no script line for turn 1, model {MODEL}, prompt "two"']
        }
        assert prompts(server) == []
        assert send(server, "GET", f"{CREATE}/{made['id']}").status == 404
        assert [create(server, "one").status for _ in range(2)] == [503, 200]


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("PUT", "script", [{"repl": "x"}], "script line 1: unknown key 'repl', did you mean 'reply'?"),
        ("PUT", "script", [{"fault": "stal"}], "unknown fault 'stal'"),
        ("PUT", "script", {"reply": "x"}, "must be a JSON list"),
        ("POST", "faults", ["refuse(503)", "stal"], "unknown fault 'stal'"),
        ("POST", "faults", None, "must be a JSON list"),
    ],
)
def test_a_mistake_is_refused_and_changes_nothing(
    server: Server, method: str, path: str, body: Any, words: str
) -> None:
    answer = send(server, method, f"/emulator/{path}", body)
    assert answer.status == 400
    assert words in answer.json["error"]["message"]
    assert create(server, "Hi").status == 200


def test_the_control_needs_the_token(server: Server) -> None:
    for token in ("", "wrong", server.key):
        for method, path in [("PUT", "script"), ("POST", "faults"), ("GET", "requests"), ("POST", "reset")]:
            body = None if method == "GET" else [{"reply": "x"}]
            assert send(server, method, f"/emulator/{path}", body, x_emulator_token=token).status == 403
    assert text(create(server, "Hi").json).startswith("Emulator: ")


def test_an_unknown_operation_names_the_known_ones(server: Server) -> None:
    answer = send(server, "GET", "/emulator/script")
    assert answer.status == 404
    assert "PUT /emulator/script" in answer.json["error"]["message"]


# --- sandboxes


def test_sandboxes_do_not_see_each_other(server: Server) -> None:
    """One is named by the path, one by the header; the third has no name."""
    header = {"x_emulator_sandbox": "b"}
    send(server, "PUT", "/sandbox/a/emulator/script", [{"reply": "A"}])
    send(server, "PUT", "/emulator/script", [{"reply": "B"}], **header)
    send(server, "POST", "/emulator/faults", ["refuse(503)"], **header)
    assert text(create(server, "one", "/sandbox/a").json) == "A"
    second = f"{CREATE}/{create(server, 'one', '/sandbox/a').json['id']}"
    assert create(server, "two", **header).status == 503
    assert text(create(server, "two", **header).json) == "B"
    assert text(create(server, "three").json).startswith("Emulator: ")
    assert send(server, "GET", f"/sandbox/a{second}").status == 200
    assert send(server, "GET", second).status == 404
    assert send(server, "GET", second, **header).status == 404
    assert prompts(server) == ["three"]
    assert prompts(server, "/sandbox/b") == ["two", "two"]
    send(server, "POST", "/emulator/reset", **header)
    assert prompts(server, "/sandbox/b") == []
    assert text(create(server, "one", "/sandbox/a").json) == "A"


@pytest.mark.parametrize("named", ["header", "path"])
def test_an_upload_stays_in_its_sandbox(server: Server, named: str) -> None:
    """The upload URL and the URI of the file have the path of the sandbox, for clients that do not send the header."""
    base, header = ("/sandbox/a", {}) if named == "path" else ("", {"x_emulator_sandbox": "a"})
    start = {
        "x_goog_upload_protocol": "resumable",
        "x_goog_upload_command": "start",
        "x_goog_upload_header_content_type": "text/plain",
    }
    begun = send(server, "POST", f"{base}/upload/v1beta/files", {}, **start, **header)
    url = begun.headers["x-goog-upload-url"].removeprefix(server.url)
    finish = {"x_goog_upload_command": "upload, finalize", "x_goog_upload_offset": "0"}
    file = send(server, "POST", url, "x", **finish).json["file"]
    assert file["uri"] == f"{server.url}/sandbox/a/v1beta/{file['name']}"
    assert send(server, "GET", f"/sandbox/a/v1beta/{file['name']}").status == 200
    assert send(server, "GET", f"/v1beta/{file['name']}").status == 404


def test_a_sandbox_needs_the_key(server: Server) -> None:
    stranger = {"x_goog_api_key": "wrong", "x_emulator_token": "wrong"}
    assert create(server, "Hi", "/sandbox/a", **stranger).status == 400
    assert send(server, "GET", "/sandbox/a/nonsense", **stranger).status == 404
    assert server.sandboxes.leftovers() == []  # of a sandbox that was not made
    assert send(server, "GET", "/sandbox/a/nonsense").status == 404
    assert server.sandboxes.leftovers() == ["sandbox a: unknown request: GET /sandbox/a/nonsense"]


@pytest.mark.parametrize("name", ["v1", "v1beta", "a%20b", "a" * 101])
def test_a_wrong_name_of_a_sandbox(server: Server, name: str) -> None:
    assert create(server, "Hi", f"/sandbox/{name}").status == 400
    assert create(server, "Hi", x_emulator_sandbox=name).status == 400


def test_parallel_clients_with_a_sandbox_each(server: Server) -> None:
    def use(number: int) -> bool:
        base = f"/sandbox/{number}"
        send(server, "PUT", f"{base}/emulator/script", [{"reply": f"I am {number}", "times": 3}])
        answers = [text(create(server, f"{number} {index}", base).json) for index in range(3)]
        return answers == [f"I am {number}"] * 3 and prompts(server, base) == [f"{number} {each}" for each in range(3)]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(24)))
    assert server.sandboxes.leftovers(strict=True) == []


# --- strict


def test_strict_leftovers() -> None:
    client = InMemoryClient(Emulator(script=[{"when": "a", "reply": "A"}, {"when": "b", "times": 2}], faults=["cut"]))
    client.create("b")
    client.create("c")
    client.get("/v1/nonsense")
    partly = "script line 2 used 1 of 2 times: when prompt: b"
    assert client.emulator.leftovers() == ["fault not used: cut", "unknown request: GET /v1/nonsense", partly]
    assert client.emulator.leftovers(strict=True) == [
        "fault not used: cut",
        "unknown request: GET /v1/nonsense",
        "script line 1 not used: when prompt: a",
        partly,
        f'no script line for turn 1, model {MODEL}, prompt "c"',
    ]


def test_without_a_script_every_request_is_expected() -> None:
    client = InMemoryClient()
    client.create("c")
    assert client.emulator.leftovers(strict=True) == []


def test_strict_leftovers_survive_a_reset_and_a_new_script() -> None:
    emulator = Emulator(script=[{"when": "a"}])
    client = InMemoryClient(emulator)
    client.create("a")
    emulator.add_faults(["cut"])
    assert emulator.reset() == ["fault not used: cut"]
    assert emulator.reset() == []
    emulator.replace_script([{"when": "b"}])
    emulator.replace_script([{"when": "c"}])
    client.create("c")
    assert emulator.leftovers(strict=True) == ["fault not used: cut", "script line 1 not used: when prompt: b"]


def test_a_script_that_was_used_up_before_the_last_reset_is_used() -> None:
    emulator = Emulator(script=[{"when": "a", "times": 1}], faults=["refuse(503)"])
    client = InMemoryClient(emulator)
    assert [client.post("/v1/interactions", {"model": MODEL, "input": "a"}).status for _ in range(2)] == [503, 200]
    emulator.reset()
    assert emulator.leftovers(strict=True) == []


def test_leftovers_of_a_sandbox_have_its_name(server: Server) -> None:
    send(server, "POST", "/sandbox/a/emulator/faults", ["cut"])
    assert server.sandboxes.leftovers() == ["sandbox a: fault not used: cut"]
