"""The list of models (reference.md 11.5, 13; traffic.md 93)."""

from typing import Any

from ..http.exchange import Reply, Request, pretty_reply
from ..http.pages import page, token
from ..service_state import World
from .contents import check_model
from .names import ALIASES, MEDIA_MODELS, TEXT_MODELS, bare


def _model(name: str) -> dict[str, Any]:
    media = name in MEDIA_MODELS
    methods = (
        ["generateContent", "countTokens"] if media else ["generateContent", "countTokens", "batchGenerateContent"]
    )
    words = [word.upper() if word in ("tts", "it", "er") else word.capitalize() for word in name.split("-")]
    return {
        "name": f"models/{name}",
        "version": "emulator",
        "displayName": " ".join(words),
        "description": "A name the emulator answers to; there is no model behind it.",
        "inputTokenLimit": 131_072 if media else 1_048_576,
        "outputTokenLimit": 32_768 if media else 65_536,
        "supportedGenerationMethods": methods,
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": not media,
    }


def get(world: World, request: Request) -> Reply:
    return pretty_reply(_model(check_model(request.path["model"], request.version, "GetModel")))


def list_models(world: World, request: Request) -> Reply:
    """The aliases exist only on v1beta (reference.md 1.1)."""
    names = [*TEXT_MODELS, *MEDIA_MODELS, *(ALIASES if request.version == "v1beta" else ())]
    wanted = page(request, 50, 1000)
    start = wanted.position or 0
    end = start + wanted.size
    answer: dict[str, Any] = {"models": [_model(bare(name)) for name in names[start:end]]}
    if end < len(names):
        answer["nextPageToken"] = token(end)
    return pretty_reply(answer)
