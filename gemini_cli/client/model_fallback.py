"""Send a request to another model when the server refuses the one before.

Rule 1. Only a refusal that concerns the model counts: 429 and quota, 500, 503, each after its retries, and 404 for the
model itself (api/README.md 11.24, 12.4). A wrong request, a wrong key and blocked content stay errors.
Rule 2. No request follows one that may have been carried out.
Rule 3. Only the field `model` changes. The attempts of all models count; their retries do not add up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from gemini_cli.api.body import Body
from gemini_cli.errors import CliError, QuotaError, TemporaryError

Result = TypeVar("Result")

REFUSALS = (429, 500, 503)


class ModelFallback:
    """The models of one request: the one in `body`, then `models` in their order.

    `body` is the request to the model in use, `attempts` those of the models before it. `on_change` gets the model
    before, the next one and the error.
    """

    def __init__(
        self, body: Body, models: Sequence[str], on_change: Callable[[str, str, CliError], None] = lambda *_: None
    ) -> None:
        self.body = body
        self.attempts = 0
        # An agent has no model, and a token belongs to the model that gave it.
        may_change = isinstance(body.get("model"), str) and "continuation_token" not in body
        self._models = [model for model in dict.fromkeys(models) if model != body["model"]] if may_change else []
        self._on_change = on_change

    def send(self, send: Callable[[Body], Result]) -> Result:
        """Call `send` with the request, and again for the next model by rules 1 and 2.

        The error of the last model is raised.
        """
        while True:
            try:
                return send(self.body)
            except CliError as failure:
                before = str(self.body.get("model"))
                if not self._models or not _concerns_model(failure, before):
                    raise
                self.attempts += failure.attempts
                self.body = {**self.body, "model": self._models.pop(0)}
                self._on_change(before, self.body["model"], failure)


def _concerns_model(failure: CliError, model: str) -> bool:
    if failure.billed != "no":
        return False
    if failure.http_status == 404:
        named = str(failure.code).lower() == "model_not_found" or model.removeprefix("models/") in failure.message
        return failure.code is not None and named  # without a code, it was not the API
    return failure.http_status in REFUSALS and isinstance(failure, TemporaryError | QuotaError)
