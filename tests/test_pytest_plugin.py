"""The pytest plugin, in runs of pytest as its users have them: a process, without this project's settings."""

from __future__ import annotations

import textwrap

import pytest

pytest_plugins = ["pytester"]

COMMON = """
import json, urllib.request, urllib.error

def ask(emulator, prompt, url=None):
    body = json.dumps({"model": "gemini-flash-latest", "input": prompt}).encode()
    headers = {"x-goog-api-key": emulator.key, "content-type": "application/json"}
    request = urllib.request.Request((url or emulator.url) + "/v1beta/interactions", body, headers)
    try:
        answer = json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        return error.code
    return answer["steps"][-1]["content"][0]["text"]

def prompts(emulator):
    return [each["body"]["input"] for each in emulator.requests]
"""


def run(pytester: pytest.Pytester, source: str, *options: str, **outcomes: int) -> pytest.RunResult:
    pytester.makepyfile(common=COMMON, test_it="from common import *\nimport pytest\n" + textwrap.dedent(source))
    result = pytester.runpytest_subprocess("-W", "error", *options)
    result.assert_outcomes(**outcomes)
    return result


def test_each_test_has_its_own_script_faults_and_requests(pytester: pytest.Pytester) -> None:
    source = """
        URLS = []

        def test_one(gemini_emulator):
            gemini_emulator.script([{"when": "dogs", "reply": "Eight paws."}])
            gemini_emulator.fault("refuse(503)", "refuse(429)")
            assert [ask(gemini_emulator, "dogs") for _ in range(3)] == [503, 429, "Eight paws."]
            assert prompts(gemini_emulator) == ["dogs"] * 3
            assert gemini_emulator.requests[0]["path"] == "/v1beta/interactions"
            gemini_emulator.assert_all_used()
            gemini_emulator.fault("cut(times=forever)")
            URLS.append(gemini_emulator.url)

        def test_two(gemini_emulator):
            assert gemini_emulator.requests == []
            assert ask(gemini_emulator, "dogs").startswith("Emulator: turn 1")
            ask(gemini_emulator, "late", URLS[0])  # a thread that the first test has left behind
            assert prompts(gemini_emulator) == ["dogs"]
            assert gemini_emulator.url != URLS[0]
            assert gemini_emulator.url.split("/sandbox/")[0] == URLS[0].split("/sandbox/")[0]  # one server
    """
    run(pytester, source, passed=2)


def test_a_script_may_be_a_file(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", script="- reply: From a file.\n")
    source = """
        def test_one(gemini_emulator):
            gemini_emulator.script("script.yaml")
            assert ask(gemini_emulator, "Hi") == "From a file."
    """
    run(pytester, source, passed=1)


def test_the_variables_lead_to_the_sandbox_of_the_test(pytester: pytest.Pytester) -> None:
    source = """
        import subprocess, sys

        def test_one(gemini_emulator, monkeypatch):
            for name, value in gemini_emulator.environ().items():
                monkeypatch.setenv(name, value)
            command = [sys.executable, "-m", "gemini_cli", "generate", "--no-stdin", "Hi"]
            assert subprocess.run(command, capture_output=True, text=True).stdout.startswith("Emulator: ")
            assert prompts(gemini_emulator) == ["Hi"]
    """
    run(pytester, source, passed=1)


MISTAKES = [  # the lines of a test, and a line of the report
    ('gemini_emulator.fault("cut"); gemini_emulator.assert_all_used()', "*AssertionError: fault not used: cut"),
    (
        'gemini_emulator.script([{"when": "dogs"}]); gemini_emulator.assert_all_used()',
        "*script line 1 not used: when prompt: dogs",
    ),
    (
        'gemini_emulator.script([{"when": "d"}]); ask(gemini_emulator, "d"); ask(gemini_emulator, "cats")\n'
        "    gemini_emulator.assert_all_used()",
        '*no script line for turn 1, model gemini-flash-latest, prompt "cats"',
    ),
    ('gemini_emulator.fault("stal")', "*ValueError: unknown fault 'stal'*"),
    ('gemini_emulator.script([{"repl": ""}])', "*ValueError: script line 1: unknown key 'repl'*"),
]


def test_a_mismatch_or_a_mistake_fails_the_test(pytester: pytest.Pytester) -> None:
    tests = [f"\ndef test_{number}(gemini_emulator):\n    {line}\n" for number, (line, _) in enumerate(MISTAKES)]
    result = run(pytester, "".join(tests), failed=len(MISTAKES))
    result.stdout.fnmatch_lines([report for _, report in MISTAKES])


def test_tests_in_parallel_processes_and_threads(pytester: pytest.Pytester) -> None:
    source = """
        from concurrent.futures import ThreadPoolExecutor

        @pytest.mark.parametrize("number", range(12))
        def test_it(gemini_emulator, number):
            gemini_emulator.script([{"reply": f"{{prompt}}, I am {number}", "times": 8}])
            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda index: ask(gemini_emulator, str(index)), range(8)))
            assert answers == [f"{index}, I am {number}" for index in range(8)]
            assert sorted(prompts(gemini_emulator)) == sorted(map(str, range(8)))
            gemini_emulator.assert_all_used()
    """
    run(pytester, source, "-n", "2", passed=12)


def test_without_the_fixture_nothing_is_imported(pytester: pytest.Pytester) -> None:
    source = """
        import sys

        def test_one():
            assert {name for name in sys.modules if name.startswith("gemini_cli")} == {
                "gemini_cli", "gemini_cli.pytest_plugin"
            }
            assert not {"httpx", "typer", "yaml", "http.server", "sqlite3"} & sys.modules.keys()
    """
    run(pytester, source, "-p", "no:xdist", passed=1)


def test_the_fixture_is_listed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["gemini_emulator -- *", "*The Gemini API on loopback: url, key*"])
    assert "_gemini_emulator_server" not in result.stdout.str()


def test_it_can_be_switched_off(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_one(gemini_emulator): pass", "-p", "no:gemini_emulator", errors=1)
    result.stdout.fnmatch_lines(["*fixture 'gemini_emulator' not found*"])


def test_the_official_sdk(pytester: pytest.Pytester) -> None:
    pytest.importorskip("google.genai", reason="the official SDK, google-genai, is not installed")
    source = """
        import asyncio
        from google import genai

        @pytest.fixture
        def client(gemini_emulator):
            with genai.Client(api_key=gemini_emulator.key, http_options={"base_url": gemini_emulator.url}) as client:
                yield client

        def test_both_apis(gemini_emulator, client):
            gemini_emulator.script([{"when": "dogs", "reply": "Eight paws."}])
            assert client.models.generate_content(model="gemini-2.5-flash", contents="2 dogs").text == "Eight paws."
            pieces = client.models.generate_content_stream(model="gemini-2.5-flash", contents="2 dogs")
            assert "".join(piece.text or "" for piece in pieces) == "Eight paws."
            made = client.interactions.create(model="gemini-2.5-flash", input="2 dogs")
            assert client.interactions.get(made.id).output_text == "Eight paws."
            assert [each["method"] for each in gemini_emulator.requests] == ["POST", "POST", "POST", "GET"]

        def test_an_upload(gemini_emulator, client, tmp_path):
            (tmp_path / "a.txt").write_text("x")
            file = client.files.upload(file=str(tmp_path / "a.txt"))
            assert file.uri.startswith(gemini_emulator.url)
            assert client.files.get(name=file.name).size_bytes == 1

        def test_a_fault(gemini_emulator, client):
            gemini_emulator.fault("refuse(400)")
            with pytest.raises(genai.errors.ClientError):
                client.models.generate_content(model="gemini-2.5-flash", contents="Hi")
            gemini_emulator.assert_all_used()

        def test_async(gemini_emulator, client):
            async def use():
                found = await client.aio.models.generate_content(model="gemini-2.5-flash", contents="Hi")
                await client.aio.aclose()
                return found.text
            assert asyncio.run(use()).startswith("Emulator: ")
    """
    run(pytester, source, "-n", "2", "-W", "default", passed=4)
