"""Models in-process: completion, notices about the model that answered, hints about aliases, ignored settings."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_cli.config.model_names import MODEL_ALIASES, MODEL_NAMES
from gemini_cli.emulator.api.names import ALIASES, MEDIA_MODELS, REPLACEMENTS, TEXT_MODELS
from gemini_cli.emulator.service import Emulator
from gemini_cli.transport.emulator_transport import EmulatorTransport
from tests.harness import completed, created, gemini, interaction, reply, sse, start, text

OLDER = ("--api", "generate-content")
REPLACED = "gemini-cli: the answer is from gemini-3.6-flash, which the server used instead of gemini-3.5-flash\n"


def test_completion_and_emulator_list_the_models_of_today() -> None:
    assert sorted(MODEL_NAMES) == sorted((*TEXT_MODELS, *MEDIA_MODELS))
    assert MODEL_ALIASES == ALIASES
    assert not REPLACEMENTS.keys() & set(MODEL_NAMES)
    assert set(REPLACEMENTS.values()) <= set(MODEL_NAMES)


@pytest.mark.parametrize("command", ["generate", "stream"])
@pytest.mark.parametrize("api", [(), OLDER])
def test_the_emulator_replaces_a_retired_model_and_a_notice_says_so(command: str, api: tuple[str, ...]) -> None:
    def asked(model: str, *options: str) -> str:
        outcome = gemini(command, *api, *options, "-m", model, "hi", answers=EmulatorTransport(Emulator()))
        assert outcome.status == 0
        return outcome.err

    assert asked("gemini-3.5-flash") == asked("models/gemini-3.5-flash") == REPLACED
    assert asked("gemini-3.5-flash", "-q") == asked("gemini-3.6-flash") == asked("gemini-flash-latest") == ""


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("gemini-flash-latest", "gemini-3.8-flash"), ("m", "m-001"), ("m", "models/m"), ("m", None), ("m", 7)],
)
def test_an_alias_a_version_and_an_unnamed_model_are_no_other_model(asked: str, answered: Any) -> None:
    assert gemini("generate", "-m", asked, "hi", answers=[reply(interaction(model=answered))]) == (0, "Hello!\n", "")


def test_the_notice_of_a_stream_comes_once() -> None:
    begun = created()
    begun["interaction"]["model"] = "other"
    events = [begun, start(), text("Hi"), completed(model="other")]
    outcome = gemini("stream", "-m", "m", "hi", answers=[sse(*events)])
    assert outcome.err == "gemini-cli: the answer is from other, which the server used instead of m\n"


def test_a_retirement_is_announced() -> None:
    """The older API has `modelStatus` (api/README.md 11.25)."""
    status = {"modelStage": "DEPRECATED", "retirementTime": "2026-12-01T00:00:00Z", "message": "Use another."}
    part = {"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}
    answer = {"candidates": [part], "modelVersion": "m"}

    def told(status: Any) -> str:
        outcome = gemini("generate", *OLDER, "-m", "m", "hi", answers=[reply({**answer, "modelStatus": status})])
        assert (outcome.status, outcome.out) == (0, "Hi\n")
        return outcome.err

    assert told(status) == "gemini-cli: m has the retirement time 2026-12-01T00:00:00Z: Use another.\n"
    assert told({**status, "message": None}) == "gemini-cli: m has the retirement time 2026-12-01T00:00:00Z\n"
    assert told({"modelStage": "STABLE"}) == told(None) == told("odd") == ""


@pytest.mark.parametrize("api", [(), OLDER])
def test_an_alias_outside_v1beta_has_a_hint_beside_its_404(api: tuple[str, ...]) -> None:
    missing = {"error": {"code": 404, "message": "models/gemini-flash-latest is not found", "status": "NOT_FOUND"}}
    v1 = {"GOOGLE_GENAI_API_VERSION": "v1"}
    outcome = gemini("generate", *api, "hi", answers=[reply(missing, 404)], environ=v1)
    assert outcome.status == 6
    hint = "hint: gemini-flash-latest exists only in the API version v1beta, see --api-version"
    assert outcome.err.splitlines()[1:] == [hint]
    assert "v1beta" not in gemini("generate", *api, "hi", answers=[reply(missing, 404)]).err
    assert "v1beta" not in gemini("generate", *api, "-m", "m", "hi", answers=[reply(missing, 404)], environ=v1).err


def test_settings_that_gemini_4_ignores_are_named_with_v_only() -> None:
    argv = ["generate", "--temperature", "1", "--top-p", "0.5", "--top-k", "3", "hi", "-m"]
    line = "gemini-cli: gemini-4-neon ignores temperature, top_p, top_k: deprecated"
    verbose = gemini(*argv, "gemini-4-neon", "-v", answers=[reply(interaction())])
    assert line in verbose.err.splitlines()
    assert gemini(*argv, "gemini-4-neon", answers=[reply(interaction())]) == (0, "Hello!\n", "")
    assert "ignores" not in gemini(*argv, "gemini-3.6-flash", "-v", answers=[reply(interaction())]).err


def test_top_k_is_a_field_of_both_apis() -> None:
    assert gemini("generate", "-n", "--top-k", "10", "hi").body["generation_config"] == {"top_k": 10}
    assert gemini("generate", "-n", *OLDER, "--top-k", "10", "hi").body["generationConfig"] == {"topK": 10}
    for api in ((), OLDER):
        argv = ["generate", *api, "--top-k", "10", "hi"]
        assert gemini(*argv, answers=EmulatorTransport(Emulator())).status == 0
