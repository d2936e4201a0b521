"""Embeddings (api/README.md 15.6, 15.7).

The vector of a content depends on the content alone. It has length 1, and no meaning.
"""

import json
import math
import struct
from typing import Any

from ..errors import ErrorResponse
from ..http.exchange import ApiRequest, HttpResponse, JsonObject, indented_response
from ..service_state import ServiceState
from .contents import check_generate_model
from .generate_schema import CONTENT
from .json_parser import parse_message

DIMENSIONS = 3072
EMBED_REQUEST = {"model": str, "content": CONTENT, "taskType": str, "title": str, "outputDimensionality": int}
EMBED_BATCH = {"requests": [EMBED_REQUEST]}


def embed_content(state: ServiceState, request: ApiRequest) -> HttpResponse:
    _check_model(request, "embedContent")
    return indented_response({"embedding": _embedding(parse_message(request.json(), EMBED_REQUEST))})


def batch_embed_contents(state: ServiceState, request: ApiRequest) -> HttpResponse:
    model = _check_model(request, "batchEmbedContents")
    requests = parse_message(request.json(), EMBED_BATCH).get("requests", [])
    if not requests:
        raise ErrorResponse(400, "* BatchEmbedContentsRequest.requests: at least one request is required\n")
    for index, each in enumerate(requests):
        if each.get("model", "").removeprefix("models/") != model:
            raise ErrorResponse(400, f"* BatchEmbedContentsRequest.requests[{index}].model: must be models/{model}\n")
    return indented_response({"embeddings": [_embedding(each) for each in requests]})


def _check_model(request: ApiRequest, method: str) -> str:
    """The bare name; ErrorResponse 404 for a model that makes no embeddings."""
    model = request.path["model"]
    return check_generate_model(model if "embedding" in model else f"no-such-{model}", request.version, method)


def _embedding(body: JsonObject) -> dict[str, Any]:
    parts = body.get("content", {}).get("parts")
    if not parts:
        raise ErrorResponse(400, "* EmbedContentRequest.content: contents is not specified\n")
    size = body.get("outputDimensionality") or DIMENSIONS
    if not 0 < size <= DIMENSIONS:
        raise ErrorResponse(400, f"Output dimensionality must be between 1 and {DIMENSIONS}, got {size}.")
    return {"values": unit_vector(json.dumps(parts, sort_keys=True), size)}


def unit_vector(text: str, size: int) -> list[float]:
    """A vector of length 1 that depends on the text; shorter ones are its beginnings."""
    import hashlib  # OpenSSL is slow to load

    numbers = struct.unpack(f"<{size}i", hashlib.shake_256(text.encode()).digest(4 * size))
    length = math.hypot(*numbers)
    return [number / length for number in numbers]
