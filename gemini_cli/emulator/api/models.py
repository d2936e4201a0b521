"""The list of models (api/README.md 11.23, 13, 15.7)."""

from typing import Any

from ..http.exchange import ApiRequest, HttpResponse, indented_response
from ..http.pages import page_token, parse_page_request
from ..service_state import ServiceState
from .contents import check_generate_model
from .names import ALIASES, EMBEDDING_MODELS, MEDIA_MODELS, TEXT_MODELS, bare_model_name


def _model(name: str) -> dict[str, Any]:
    words = [word.upper() if word in ("tts", "it", "er") else word.capitalize() for word in name.split("-")]
    described = {
        "name": f"models/{name}",
        "version": "emulator",
        "displayName": " ".join(words),
        "description": "A name that the emulator accepts; there is no model behind it.",
    }
    if name in EMBEDDING_MODELS:
        limits = {"inputTokenLimit": 2048, "outputTokenLimit": 1}
        return {**described, **limits, "supportedGenerationMethods": ["embedContent"]}
    media = name in MEDIA_MODELS
    methods = (
        ["generateContent", "countTokens"] if media else ["generateContent", "countTokens", "batchGenerateContent"]
    )
    return {
        **described,
        "inputTokenLimit": 131_072 if media else 1_048_576,
        "outputTokenLimit": 32_768 if media else 65_536,
        "supportedGenerationMethods": methods,
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": not media,
    }


def get_model(state: ServiceState, request: ApiRequest) -> HttpResponse:
    return indented_response(_model(check_generate_model(request.path["model"], request.version, "GetModel")))


def list_models(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """A page of models; the aliases exist only on v1beta (api/README.md 1.3)."""
    names = [*TEXT_MODELS, *MEDIA_MODELS, *EMBEDDING_MODELS, *(ALIASES if request.version == "v1beta" else ())]
    page = parse_page_request(request, 50, 1000)
    start = page.position or 0
    end = start + page.size
    body: dict[str, Any] = {"models": [_model(bare_model_name(name)) for name in names[start:end]]}
    if end < len(names):
        body["nextPageToken"] = page_token(end)
    return indented_response(body)
