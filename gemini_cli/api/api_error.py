"""Turn the server's error bodies into the program's errors. Pure.

Bodies have several forms (api/README.md 12.1-12.3): `code` is a string or a number, `status` may be missing, the whole
may stand in a list of one, or be plain text or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gemini_cli.api.fields import without_nulls
from gemini_cli.errors import AuthError, Blocked, CliError, QuotaError, RejectedError, TemporaryError
from gemini_cli.formats import strict_json

PLAIN_TEXT_LIMIT = 200  # characters of an error body that is no JSON

# Codes of blocked answers (api/README.md 12.5), and block reasons of the older API.
BLOCKED_CODES = frozenset(
    "safety recitation language prohibited_content spii blocklist image_safety image_prohibited_content"
    " image_recitation image_other content_blocked model_armor jailbreak".split()
)
# Codes of errors that pass (api/README.md 12.4, 12.6), in lower case.
_NOT_NOW = (
    "rate_limit_exceeded too_many_requests resource_exhausted service_unavailable unavailable api_error internal"
    " aborted deadline_exceeded gateway_timeout".split()
)
_BY_CODE: Mapping[str, type[CliError]] = {
    **dict.fromkeys(BLOCKED_CODES, Blocked),
    **dict.fromkeys(("authentication", "unauthenticated", "permission_denied"), AuthError),
    **dict.fromkeys(("quota_exceeded", "payment_required"), QuotaError),
    **dict.fromkeys(_NOT_NOW, TemporaryError),
}
# Spent credit is only reported (api/README.md 12.11), so the words are a guess; the message of every 429 has "billing".
_SPENT = r"limit: 0|(?i:credits? (?:are|is|has been|have been) (?:depleted|exhausted)|spend(?:ing)? (?:cap|limit))"
_PER_DAY = re.compile(r"(?i)per[ _-]?day|\bdaily\b")
_PERIOD = re.compile(r"(?i)per[ _-]?(?:second|minute|hour|day)")
# An unknown or retired model (api/README.md 11.24, 12.12).
_UNKNOWN_MODEL = re.compile(r"(?i)\bmodels?\b.*\bnot found\b")
_MODEL_HINT = "`gemini-cli models list` prints the models"
# google.rpc.Code, the number in a step's error (api/README.md 4.9).
_BY_RPC: Mapping[int, type[CliError]] = {
    **dict.fromkeys((4, 8, 10, 13, 14), TemporaryError),
    **dict.fromkeys((7, 16), AuthError),
}
_BY_STATUS: Mapping[int, type[CliError]] = {
    401: AuthError,
    402: QuotaError,
    403: AuthError,
    **dict.fromkeys((408, 429, 500, 502, 503, 504), TemporaryError),
}


class ApiError(NamedTuple):
    """An error in the server's words.

    `code` is its name: `invalid_request`, `UNAVAILABLE`, 503.
    """

    code: str | int | None
    message: str
    number: int | None = None  # `code` where it is an HTTP status inside the body
    details: list[dict[str, Any]] = []  # noqa: RUF012  never changed

    def to_cli_error(self, http_status: int | None = None) -> CliError:
        """Make the program's error.

        `http_status` is None for an error inside a stream or an Interaction.
        """
        return self._kind(http_status)(
            self.message or "the server gave no reason",
            hint=_MODEL_HINT if http_status == 404 and _UNKNOWN_MODEL.search(self.message) else None,
            http_status=http_status,
            code=self.code,
        )

    def _kind(self, http_status: int | None) -> type[CliError]:
        by_code = _BY_CODE.get(str(self.code).lower(), RejectedError)
        if isinstance(self.code, int):
            by_code = _BY_STATUS.get(self.code) or _BY_RPC.get(self.code, RejectedError)
        if self._about_the_key():
            return AuthError
        if str(self.code).lower() == "failed_precondition" and "billing" in self.message.lower():
            return QuotaError
        if http_status is None:
            return QuotaError if by_code is TemporaryError and self._for_the_day() else by_code
        if http_status == 429:
            return QuotaError if by_code is QuotaError or self._for_the_day() else TemporaryError
        if by_code is Blocked:
            return Blocked
        return _BY_STATUS.get(
            http_status, RejectedError if http_status in (501, 505) or http_status < 500 else TemporaryError
        )

    def _about_the_key(self) -> bool:
        """Whether the key is wrong, which may be status 400 (api/README.md 12.8)."""
        if self.reasons & {"API_KEY_INVALID", "API_KEY_EXPIRED"}:
            return True
        words = any(text in self.message for text in ("API key not valid", "Multiple authentication credentials"))
        return self.code in (400, "INVALID_ARGUMENT", "invalid_request") and words

    @property
    def reasons(self) -> set[str]:
        """The reasons in the details (api/README.md 12.7)."""
        return {str(detail["reason"]) for detail in self.details if detail.get("reason")}

    def refuses_standard_key(self, key: str) -> bool:
        """Whether it may be a refusal of standard keys (api/README.md 1.5, 12.8)."""
        if key.startswith("AQ."):
            return False
        reasons = {"API_KEY_INVALID", "ACCESS_TOKEN_TYPE_UNSUPPORTED"} & self.reasons
        return bool(reasons) or (key.startswith("AIza") and "Multiple authentication" not in self.message)

    def _for_the_day(self) -> bool:
        """Whether it is a quota per day, or none on this tier (api/README.md 12.7, 12.9).

        The words of the message count only if no detail names the period of a quota: they may mention other limits.
        """
        quotas = list(self._quotas())
        if any(map(_PER_DAY.search, quotas)) or re.search(_SPENT, self.message):
            return True
        return not any(map(_PERIOD.search, quotas)) and bool(_PER_DAY.search(self.message))

    def _quotas(self) -> Iterator[str]:
        """The quotas that the details name, each by its id or in words."""
        for detail in self.details:
            metadata, violations = detail.get("metadata"), detail.get("violations")
            if isinstance(metadata, dict):
                yield str(metadata.get("quota_limit") or "")
            for violation in violations if isinstance(violations, list) else ():
                if isinstance(violation, dict):
                    name = str(violation.get("quotaId") or "")
                    yield name if _PERIOD.search(name) else f"{name} {violation.get('description')}"

    def retry_delays(self) -> list[str]:
        """The seconds to wait, from `RetryInfo` and the message (api/README.md 12.10)."""
        delays = [str(detail["retryDelay"]).removesuffix("s") for detail in self.details if detail.get("retryDelay")]
        return delays + re.findall(r"[Rr]etry in (\d+(?:\.\d+)?)\s?s", self.message)


class StreamError(Exception):
    """A stream ended in an error body."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(f"the server broke off with {error.number or error.code}: {error.message}")
        self.error = error


def read_api_error(body: bytes, http_status: int, reason: str) -> ApiError:
    """Read the error in the body of a response that is not 200."""
    text = body.decode("utf-8", "replace").strip()
    return parse_api_error(text) or ApiError(None, _plain(text) or f"HTTP {http_status} {reason}".rstrip())


def parse_api_error(text: str) -> ApiError | None:
    """Read the error in a JSON text; None if there is none."""
    try:
        value = strict_json.loads(text)
    except ValueError:
        return None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        return None
    error = without_nulls(value).get("error", value)
    if isinstance(error, str):
        return ApiError(None, error)
    has_error = isinstance(error, dict) and {"code", "message"} & without_nulls(error).keys()
    return api_error_from(error) if has_error else None


def api_error_from(error: Mapping[str, Any]) -> ApiError:
    """Read the inner object: `code` and `message`, perhaps `status` and `details`."""
    code = error.get("status") or error.get("code")
    number = error.get("code")
    message = error.get("message") or ""
    details = error.get("details")
    return ApiError(
        code=code if isinstance(code, str | int) else None,
        message=(message if isinstance(message, str) else strict_json.dumps(message)).strip(),
        number=number if isinstance(number, int) else None,
        details=[detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else [],
    )


def _plain(text: str) -> str | None:
    """The beginning of a plain text; None for HTML, and for half a JSON document."""
    return text[:PLAIN_TEXT_LIMIT] + "…" * (len(text) > PLAIN_TEXT_LIMIT) if text and text[0] not in "<{[" else None
