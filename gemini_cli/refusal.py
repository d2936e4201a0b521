"""Turn the server's error bodies into the program's errors. Pure.

Bodies have several forms (api/README.md 12.1-12.3): `code` is a string or a number, `status` may be missing, the whole
may stand in a list of one, or be plain text or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gemini_cli import json_text
from gemini_cli.errors import AuthError, Blocked, Failure, QuotaError, Rejected, Temporary

PLAIN = 200  # characters of an error body that is no JSON

# Codes of blocked answers (api/README.md 12.5), and block reasons of the older API.
BLOCKED = frozenset(
    "safety recitation language prohibited_content spii blocklist image_safety image_prohibited_content"
    " image_recitation image_other content_blocked model_armor jailbreak".split()
)
# Codes of errors that pass (api/README.md 12.4, 12.6), in lower case.
_NOT_NOW = (
    "rate_limit_exceeded too_many_requests resource_exhausted service_unavailable unavailable api_error internal"
    " aborted deadline_exceeded gateway_timeout".split()
)
_BY_CODE: Mapping[str, type[Failure]] = {
    **dict.fromkeys(BLOCKED, Blocked),
    **dict.fromkeys(("authentication", "unauthenticated", "permission_denied"), AuthError),
    **dict.fromkeys(("quota_exceeded", "payment_required"), QuotaError),
    **dict.fromkeys(_NOT_NOW, Temporary),
}
# Spent credit is only reported (api/README.md 12.11), so the words are a guess; the message of every 429 has "billing".
_SPENT = r"limit: 0|(?i:credits? (?:are|is|has been|have been) (?:depleted|exhausted)|spend(?:ing)? (?:cap|limit))"
# google.rpc.Code, the number in a step's error (api/README.md 4.9).
_BY_RPC: Mapping[int, type[Failure]] = {
    **dict.fromkeys((4, 8, 10, 13, 14), Temporary),
    **dict.fromkeys((7, 16), AuthError),
}
_BY_STATUS: Mapping[int, type[Failure]] = {
    401: AuthError,
    402: QuotaError,
    403: AuthError,
    **dict.fromkeys((408, 429, 500, 502, 503, 504), Temporary),
}


class Refusal(NamedTuple):
    """An error in the server's words.

    `code` is its name: `invalid_request`, `UNAVAILABLE`, 503.
    """

    code: str | int | None
    message: str
    number: int | None = None  # `code` where it is an HTTP status inside the body
    details: list[dict[str, Any]] = []  # noqa: RUF012  never changed

    def failure(self, http_status: int | None = None) -> Failure:
        """Make the program's error.

        `http_status` is None for an error inside a stream or an Interaction.
        """
        return self._kind(http_status)(
            self.message or "the server gave no reason", http_status=http_status, code=self.code
        )

    def _kind(self, http_status: int | None) -> type[Failure]:
        by_code = _BY_CODE.get(str(self.code).lower(), Rejected)
        if isinstance(self.code, int):
            by_code = _BY_STATUS.get(self.code) or _BY_RPC.get(self.code, Rejected)
        if self._about_the_key():
            return AuthError
        if str(self.code).lower() == "failed_precondition" and "billing" in self.message.lower():
            return QuotaError
        if http_status is None:
            return QuotaError if by_code is Temporary and self._for_the_day() else by_code
        if http_status == 429:
            return QuotaError if by_code is QuotaError or self._for_the_day() else Temporary
        if by_code is Blocked:
            return Blocked
        return _BY_STATUS.get(http_status, Rejected if http_status in (501, 505) or http_status < 500 else Temporary)

    def _about_the_key(self) -> bool:
        """Whether the key is wrong, which may be status 400 (api/README.md 12.8)."""
        if any(detail.get("reason") in ("API_KEY_INVALID", "API_KEY_EXPIRED") for detail in self.details):
            return True
        return self.code in (400, "INVALID_ARGUMENT", "invalid_request") and "API key not valid" in self.message

    def _for_the_day(self) -> bool:
        """Whether it is a quota per day, or none on this tier (api/README.md 12.7, 12.9)."""
        return any("PerDay" in quota for quota in self._quota_ids()) or bool(re.search(_SPENT, self.message))

    def _quota_ids(self) -> Iterator[str]:
        for detail in self.details:
            violations = detail.get("violations")
            for violation in violations if isinstance(violations, list) else ():
                if isinstance(violation, dict):
                    yield str(violation.get("quotaId", ""))

    def retry_delays(self) -> list[str]:
        """The seconds to wait, from `RetryInfo` and the message (api/README.md 12.10)."""
        told = [str(detail["retryDelay"]).removesuffix("s") for detail in self.details if "retryDelay" in detail]
        return told + re.findall(r"[Rr]etry in (\d+(?:\.\d+)?)\s?s", self.message)


class StreamError(Exception):
    """A stream ended in an error body."""

    def __init__(self, error: Refusal) -> None:
        super().__init__(f"the server broke off with {error.number or error.code}: {error.message}")
        self.error = error


def read(body: bytes, http_status: int, reason: str) -> Refusal:
    """Read the error in the body of a response that is not 200."""
    text = body.decode("utf-8", "replace").strip()
    return parse(text) or Refusal(None, _plain(text) or f"HTTP {http_status} {reason}".rstrip())


def parse(text: str) -> Refusal | None:
    """Read the error in a JSON text; None if there is none."""
    try:
        value = json_text.parse(text)
    except ValueError:
        return None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        return None
    error = value.get("error", value)
    if isinstance(error, str):
        return Refusal(None, error)
    return from_error(error) if isinstance(error, dict) and {"code", "message"} & error.keys() else None


def from_error(error: Mapping[str, Any]) -> Refusal:
    """Read the inner object: `code` and `message`, perhaps `status` and `details`."""
    code = error.get("status") or error.get("code")
    number = error.get("code")
    details = error.get("details")
    return Refusal(
        code=code if isinstance(code, str | int) else None,
        message=str(error.get("message") or "").strip(),
        number=number if isinstance(number, int) else None,
        details=[detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else [],
    )


def _plain(text: str) -> str | None:
    """The beginning of a plain text; None for HTML, and for half a JSON document."""
    return text[:PLAIN] + "…" * (len(text) > PLAIN) if text and text[0] not in "<{[" else None
