"""HTTP retry policy: retryable statuses, backoff, Retry-After."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

FIRST_WAIT = 1.0  # seconds; doubles with each attempt, with jitter down to a half
LONGEST_WAIT = 30.0  # seconds
JITTER = 0.1  # added to the delay that a server asks for, so that many clients do not retry at once
LONGEST_HINT = 366 * 24 * 3600.0  # seconds; a longer delay is ignored

# The server did not process the request. 504 is repeated only once, since the work may go on behind the gateway.
RETRYABLE = (408, 429, 500, 502, 503, 504)

Random = Callable[[float, float], float]


class RetryPolicy(NamedTuple):
    """How often to repeat a request, and the dependencies of a wait.

    `retries` is for requests that were refused or not sent, `retry_unknown` for those without a response.
    """

    retries: int
    retry_unknown: int
    sleep: Callable[[float], None]
    random: Random
    now: Callable[[], float]  # seconds since the epoch


def retry_limit(http_status: int, retries: int) -> int:
    """How often a request may be repeated after this status."""
    if http_status not in RETRYABLE:
        return 0
    return min(retries, 1) if http_status == 504 else retries


def backoff(attempts: int, random: Random) -> float:
    """Seconds to wait if the server names no delay.

    From 0.5 s to 30 s, growing with `attempts`, with jitter.
    """
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempts - 1, 10)) * random(0.5, 1.0)


def server_retry_delay(headers: Mapping[str, str], delays: Iterable[str], now: float) -> float | None:
    """The longest delay in seconds that the server named; None without any.

    `delays` are those in the body of the response.
    """
    named = [_retry_after(headers, now), _seconds(headers.get("retry-after-ms", ""), 0.001), *map(_seconds, delays)]
    return max((wait for wait in named if wait is not None), default=None)


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read Retry-After: seconds or an HTTP date (RFC 9110, 10.2.3).

    A date counts from the Date of the response, since clocks differ.
    """
    text = headers.get("retry-after", "")
    if (seconds := _seconds(text)) is not None:
        return seconds
    date = _timestamp(text)
    if date is None:
        return None
    server_now = _timestamp(headers.get("date", ""))
    wait = date - (now if server_now is None else server_now)
    return wait if 0 < wait <= LONGEST_HINT else None


def _timestamp(http_date: str) -> float | None:
    if not http_date:
        return None
    from email.utils import parsedate_to_datetime  # 8 ms, and servers rarely send a date

    try:
        return parsedate_to_datetime(http_date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _seconds(text: str, unit: float = 1.0) -> float | None:
    text = text.strip()
    if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18})?", text):
        return None
    seconds = float(text) * unit
    return seconds if seconds <= LONGEST_HINT else None
