"""Error responses, in the two formats of the API.

Interactions sends `{"error": {"message", "code"}}` with a word as code, compact (api/README.md 12.1). The older API,
and the front end of both, send the format of google.rpc: a number, a status word, details, indented
(api/README.md 12.2).
"""

from typing import Any

RPC_STATUSES = {
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

INTERACTION_CODES = {
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

ErrorDetail = dict[str, Any]


class ErrorResponse(Exception):
    """An error response.

    `code` is the word in Interactions, `rpc` the one in google.rpc; both have defaults by `status`.

    `front_end` marks an error of the front end, which has the format of google.rpc in both APIs.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        rpc: str = "",
        details: list[ErrorDetail] | None = None,
        front_end: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or INTERACTION_CODES.get(status, "api_error" if status >= 500 else "invalid_request")
        self.rpc = rpc or RPC_STATUSES.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
        self.details = details or []
        self.front_end = front_end

    def interaction_body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "code": self.code}}

    def rpc_body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.status, "message": self.message, "status": self.rpc}
        if self.details:
            error["details"] = self.details
        return {"error": error}


def invalid_json(reason: str) -> ErrorResponse:
    return ErrorResponse(400, f"Invalid JSON payload received. {reason}")


def not_found() -> ErrorResponse:
    return ErrorResponse(404, "Requested entity was not found.")


def error_info(reason: str) -> ErrorDetail:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


def missing_key() -> ErrorResponse:
    """A missing key (api/README.md 12.8)."""
    message = (
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API."
    )
    return ErrorResponse(403, message, front_end=True)


def two_keys() -> ErrorResponse:
    """A key in the header and one in the query (api/README.md 12.8)."""
    return ErrorResponse(400, "Multiple authentication credentials received. Please pass only one.", front_end=True)


def invalid_key() -> ErrorResponse:
    """400, not 401: only the reason tells (api/README.md 12.8)."""
    message = "API key not valid. Please pass a valid API key."
    localized = {
        "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
        "locale": "en-US",
        "message": message,
    }
    return ErrorResponse(400, message, details=[error_info("API_KEY_INVALID"), localized], front_end=True)
