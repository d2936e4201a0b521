"""What the service says when it says no, in the two dialects it has.

The Interactions family answers `{"error": {"message", "code"}}` with a word as code, compact (reference.md 12.1,
traffic.md 54). Everything else, and whatever the front end refuses before any family sees it, answers the form of
google.rpc: a number, a status word, details, indented (reference.md 12.2, traffic.md 55).
"""

from typing import Any

RPC_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    416: "OUT_OF_RANGE",
    421: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

INTERACTION_CODE = {
    400: "invalid_request",
    401: "authentication",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    409: "aborted",
    416: "out_of_range",
    429: "too_many_requests",
    499: "cancelled",
    500: "api_error",
    501: "unimplemented",
    503: "service_unavailable",
    504: "deadline_exceeded",
}

Detail = dict[str, Any]


class Problem(Exception):
    """A refusal. `code` is the Interactions word, `rpc` the google.rpc one; both have a default by status.

    `front` marks what the front end refuses: it speaks google.rpc before any family is reached.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        rpc: str = "",
        details: list[Detail] | None = None,
        front: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or INTERACTION_CODE.get(status, "api_error" if status >= 500 else "invalid_request")
        self.rpc = rpc or RPC_STATUS.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
        self.details = details or []
        self.front = front

    def interaction_body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "code": self.code}}

    def rpc_body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.status, "message": self.message, "status": self.rpc}
        if self.details:
            error["details"] = self.details
        return {"error": error}


def invalid_json(why: str) -> Problem:
    return Problem(400, f"Invalid JSON payload received. {why}")


def not_found() -> Problem:
    return Problem(404, "Requested entity was not found.")


def error_info(reason: str) -> Detail:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


def missing_key() -> Problem:
    """traffic.md 58."""
    message = (
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API."
    )
    return Problem(403, message, front=True)


def wrong_key() -> Problem:
    """traffic.md 58: 400, not 401; one has to look at the reason."""
    message = "API key not valid. Please pass a valid API key."
    localized = {
        "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
        "locale": "en-US",
        "message": message,
    }
    return Problem(400, message, details=[error_info("API_KEY_INVALID"), localized], front=True)
