"""How long to wait before asking again: the numbers of HTTP's patience. `dialogue` has those of a conversation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gemini_cli.refusal import Refusal

FIRST_WAIT = 1.0  # seconds; doubles with each try, jittered down to a half
LONGEST_WAIT = 30.0
JITTER = 0.1  # added to what the server asked for, so that many clients do not come back at once
LONGEST_HINT = 366 * 24 * 3600.0  # what says more is nonsense, and counts as absent

# Statuses after which nothing was carried out (cli.md 6); 504 may repeat once, as the work may go on behind it.
REFUSED = (408, 429, 500, 502, 503, 504)

Random = Callable[[float, float], float]


class Patience(NamedTuple):
    """How often to repeat, and the means of waiting."""

    retries: int
    retry_unknown: int
    sleep: Callable[[float], None]
    random: Random
    now: Callable[[], float]


def allowed(http_status: int, retries: int) -> int:
    """How many times a request that was refused like this may be repeated."""
    if http_status not in REFUSED:
        return 0
    return min(retries, 1) if http_status == 504 else retries


def backoff(tries: int, random: Random) -> float:
    """Seconds before the next try after `tries` of them, without a hint: grows, jittered, from 0.5 s to 30 s."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries - 1, 10)) * random(0.5, 1.0)


def asked_for(headers: Mapping[str, str], refusal: Refusal | None, now: float) -> float | None:
    """The largest wait in seconds that the server named, in headers or body; None if it named none that makes sense."""
    named = [_retry_after(headers.get("retry-after", ""), now), _seconds(headers.get("retry-after-ms", ""), 0.001)]
    named += [_seconds(delay) for delay in refusal.retry_delays()] if refusal else []
    return max((wait for wait in named if wait is not None), default=None)


def _retry_after(text: str, now: float) -> float | None:
    """Seconds, or an HTTP date (RFC 9110, 10.2.3); a date that has passed says nothing."""
    if (seconds := _seconds(text)) is not None:
        return seconds
    from email.utils import parsedate_to_datetime  # 8 ms, and servers rarely send a date

    try:
        wait = parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None
    return wait if 0 < wait <= LONGEST_HINT else None


def _seconds(text: str, unit: float = 1.0) -> float | None:
    if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18})?", text.strip()):
        return None
    seconds = float(text) * unit
    return seconds if seconds <= LONGEST_HINT else None
