"""Notices about the model of a request or of its answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gemini_cli.config.model_names import MODEL_ALIASES

IGNORED_BY_GEMINI_4 = ("temperature", "top_p", "top_k")  # api/README.md 2.8


def answer_notices(body: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield notices about the model that answered the request `body`.

    It may be another model than the requested one (api/README.md 13.6), or be retired soon (11.25). `answer` is an
    Interaction, or the beginning of one; fields of a wrong type are ignored, since the answer does not depend on them.
    """
    requested, answered = _model(body), _model(answer)
    is_version = re.fullmatch(rf"{re.escape(requested)}-\d{{3}}", answered)
    if requested and answered and requested not in MODEL_ALIASES and answered != requested and not is_version:
        yield f"the answer is from {answered}, which the server used instead of {requested}"
    status = answer.get("model_status")
    time = status.get("retirementTime") if isinstance(status, dict) else None
    if isinstance(status, dict) and isinstance(time, str):
        message = status.get("message")
        yield f"{answered or requested} has the retirement time {time}" + (f": {message}" if message else "")


def ignored_settings(body: Mapping[str, Any]) -> str:
    """Name the settings of a request that its model ignores (api/README.md 2.8)."""
    config = body.get("generation_config")
    if not (_model(body).startswith("gemini-4") and isinstance(config, dict)):
        return ""
    names = ", ".join(name for name in IGNORED_BY_GEMINI_4 if name in config)
    return f"{_model(body)} ignores {names}: deprecated" if names else ""


def _model(holder: Mapping[str, Any]) -> str:
    """The name of a model without `models/`, or an empty string."""
    model = holder.get("model")
    return model.removeprefix("models/") if isinstance(model, str) else ""
