"""A request in, JSON or Events out: retry, authentication headers, error mapping. The only I/O with the service.

What may be repeated (cli.md 6): whatever was never sent; a refusal that says "not now"; a request without effect that
got no answer. A create that was sent and not answered is never repeated unless the user allowed it, because it may
have been carried out and billed. To ask for the rest of an answer is not a retry; that is `dialogue`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar

from gemini_cli import refusal
from gemini_cli.body import Content, Pieces
from gemini_cli.deadline import Deadline
from gemini_cli.endpoint import Endpoint
from gemini_cli.errors import DeadlinePassed, Failure, Incomplete, Rejected, Temporary, Unknown
from gemini_cli.interaction import Event
from gemini_cli.transport import patience
from gemini_cli.transport.patience import Patience
from gemini_cli.transport.wire import INVALID_UTF8, Call, Cut, NeverSent, Reply, Told, Unanswered, Wire, WireFailure

ANSWER_LIMIT = 256 * 1024 * 1024
ERROR_LIMIT = 64 * 1024

Result = TypeVar("Result")


# How the time passes before a request is repeated: why it is, and the seconds. Asleep, by default.
Hold = Callable[[Failure, float], None]


class Log(Protocol):
    """Level 1: a line per request; level 2: headers and bodies, decoded and joined only if somebody looks."""

    def __call__(self, level: int, *parts: str | bytes) -> None: ...


class Transport:
    def __init__(
        self,
        wire: Wire,
        endpoint: Endpoint,
        key: str | None,
        deadline: Deadline,
        patience: Patience,
        *,
        log: Log = lambda level, *parts: None,
        notice: Callable[[str], None] = lambda text: None,
        hold: Hold | None = None,
        redacted: Callable[[str], str] = lambda text: text,
    ) -> None:
        self._wire = wire
        self._endpoint = endpoint
        self._key = {"x-goog-api-key": key} if key else {}
        self._deadline = deadline
        self._patience = patience
        self.sleep = patience.sleep
        self._hold: Hold = hold or (lambda failure, seconds: self.sleep(seconds))
        self.retries = patience.retries
        self.attempts = 0  # of the latest request
        self.answers = 0  # requests that were answered with 200
        self.check_deadline = deadline.check
        self.log = log
        self._notice = notice
        self._redacted = redacted  # what a server says of a failure is shown, and kept in sessions and rows

    def json(self, method: str, path: str, body: Content = b"", *, repeatable: bool | None = None) -> str:
        """The text of a JSON answer; a create is a POST that is not `repeatable`."""
        call = self._call(method, path, body, "application/json")
        text = self._decoded(self._answer(call, repeatable, self._whole))
        self.log(2, "<", text)
        return text

    def delete(self, path: str) -> None:
        """Any answer of 200 will do (reference.md 8). What a repeated DELETE does not find, the first one deleted."""
        try:
            self._answer(self._call("DELETE", path, b"", "application/json"), True, lambda reply: reply.close())
        except Rejected as failure:
            if failure.http_status != 404 or failure.attempts == 1:
                raise

    def events(self, method: str, path: str, body: Content = b"") -> Iterator[Event]:
        """The events of a streamed answer. The request is made at once; Cut comes while reading."""
        from gemini_cli.transport import stream  # before the answer comes, not while its first event waits

        reply = self._answer(self._call(method, path, body, "text/event-stream"), None, self._streamed)
        return self._events(reply, stream.read_events(reply.chunks, self._notice))

    def content(self, path: str, headers: Mapping[str, str]) -> Reply:
        """What is behind a `:download`, to be read by the caller; `headers` may ask for a part of it.

        The one redirect that is followed: the service answers 302 here (traffic.md 89). It leads to the same host, or
        to a googleapis host over https; only these see the key.
        """
        call = self._call("GET", path, b"", "*/*")
        call = call._replace(headers={**call.headers, **headers})
        try:
            return self._answer(call, True, self._file)
        except Redirected as moved:
            location = self._endpoint.may_move_to(call.url, moved.location)
            if location is None:
                raise
            return self._answer(call._replace(url=location), True, self._file)

    def start_upload(self, headers: Mapping[str, str], body: bytes) -> Told:
        """Ask for an upload, once."""
        url = self._endpoint.upload_url("files")
        return self._told(Call("POST", url, {**self._upload_headers("application/json"), **self._key, **headers}, body))

    def upload(self, url: str, headers: Mapping[str, str], body: Content = b"") -> Told:
        """One request to an upload URL: without the key, which it does not need (reference.md 10.1), and once.

        What may follow depends on what the server has, and that is for `resumable` to know.
        """
        return self._told(Call("POST", url, {**self._upload_headers("application/octet-stream"), **headers}, body))

    def may_upload_to(self, url: str) -> bool:
        return self._endpoint.may_upload_to(url)

    @property
    def owner(self) -> str:
        """Whose files these are: a name for base URL and key, from which neither can be had."""
        from hashlib import sha256  # OpenSSL takes 5 ms

        return sha256(f"{self._endpoint.base}\0{self._key}".encode()).hexdigest()

    def pause(self, failure: Failure, tries: int) -> None:
        """Sleep before the next try after so many; raises the failure at once if the deadline would come first."""
        hint = failure.retry_after_s
        if hint is None:
            wait = patience.backoff(tries, self._patience.random)
        else:
            wait = hint * (1 + self._patience.random(0, patience.JITTER))
        if wait >= self._deadline.remaining():
            if hint is not None:
                failure.message += f" (come back in {hint:g} s; the limit for this run is {self._deadline.seconds:g} s)"
            raise failure
        self.log(1, f"waiting {wait:.1f} s before try {tries + 1}")
        self._hold(failure, wait)

    def _upload_headers(self, content_type: str) -> dict[str, str]:
        return {**self._endpoint.headers("upload", "application/json"), "Content-Type": content_type}

    def _told(self, call: Call) -> Told:
        self._deadline.start()
        try:
            return self._try(call, True, self._read_told)
        except _Refused as refused:
            return Told(refused.headers, "", refused.failure)
        except Rejected as failure:
            return Told({}, "", failure)

    def _read_told(self, reply: Reply) -> Told:
        """A body that breaks off takes nothing from what the headers say."""
        data = b""
        try:
            for chunk in reply.chunks:
                data += chunk
                if len(data) > ERROR_LIMIT:
                    return Told(reply.headers, "", Rejected(f"an answer larger than {ERROR_LIMIT} bytes"))
        except Cut as cut:
            return Told(reply.headers, "", Temporary(f"the answer is cut off: {cut}"))
        finally:
            reply.close()
        text = self._decoded(data)
        self.log(2, "<", text)
        return Told(reply.headers, text, None)

    def _events(self, reply: Reply, events: Iterator[Event]) -> Iterator[Event]:
        try:
            for event in events:
                self.log(2, "<", event.raw)
                yield Event.parse(self._redacted(event.raw), event.type) if event.type == "error" else event
        except Cut as cut:
            said = cut.said._replace(message=self._redacted(cut.said.message)) if cut.said else None
            raise Cut(self._redacted(str(cut)), said) from cut
        finally:
            reply.close()

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode().removeprefix("\ufeff")
        except UnicodeDecodeError:
            self._notice(INVALID_UTF8)
            return data.decode("utf-8", "replace")

    def _call(self, method: str, path: str, body: Content, accept: str) -> Call:
        return Call(method, self._endpoint.url(path), {**self._endpoint.headers(path, accept), **self._key}, body)

    def _answer(self, call: Call, repeatable: bool | None, read: Callable[[Reply], Result]) -> Result:
        """What `read` makes of a good reply, after as many tries as policy allows; else the last Failure."""
        self._deadline.start()
        effect_free = call.method != "POST" if repeatable is None else repeatable
        self.attempts = unknowns = late = 0
        while True:
            self.attempts += 1
            try:
                return self._try(call, effect_free, read)
            except _Refused as refused:
                failure, limit = refused.failure, refused.limit
            except Failure as failed:
                failed.attempts = self.attempts
                raise
            failure.attempts = self.attempts
            unknowns += isinstance(failure, Unknown)
            late += failure.http_status == 504
            spent = unknowns if isinstance(failure, Unknown) else self.attempts
            if failure.http_status == 504 and self.attempts <= self._patience.retries:
                spent = late  # once, whatever else came before
            if spent > limit:
                raise failure from None
            self.pause(failure, self.attempts)

    def _try(self, call: Call, effect_free: bool, read: Callable[[Reply], Result]) -> Result:
        """One request: what was read of it, or why there is nothing and how often it may be repeated."""
        retries = self._patience.retries
        started = time.monotonic()
        self._show(call)
        try:
            reply = self._wire.send(call)
        except NeverSent as error:
            self.log(1, f"{call.method} {call.url} -> {error}")
            if error.hopeless:
                raise Rejected(str(error)) from error
            raise _Refused(Temporary(str(error)), retries) from error
        except Unanswered as error:
            self.log(1, f"{call.method} {call.url} -> {error}")
            if effect_free:
                raise _Refused(Temporary(str(error)), retries) from error
            raise _Refused(unanswered(str(error)), self._patience.retry_unknown) from error
        self.log(1, f"{call.method} {call.url} -> {reply.status} ({time.monotonic() - started:.2f} s)")
        self.log(2, "\n".join(f"< {name}: {value}" for name, value in reply.headers.items()))
        if reply.status != 200 and not (reply.status == 206 and "Range" in call.headers):
            raise _Refused(self._refused(reply), patience.allowed(reply.status, retries), reply.headers)
        self.answers += 1
        try:
            return read(reply)
        except (Unknown, Incomplete) as failure:  # the body broke off
            if effect_free:
                raise _Refused(Temporary(failure.message), retries) from failure
            if isinstance(failure, Unknown):
                raise _Refused(failure, self._patience.retry_unknown) from failure
            raise

    def _show(self, call: Call) -> None:
        self.log(2, "\n".join(f"> {name}: {value}" for name, value in call.headers.items()))
        if isinstance(call.body, Pieces):
            self.log(2, f"> ({call.body.size} bytes)")
        elif call.body:
            self.log(2, ">", call.body)

    def _refused(self, reply: Reply) -> Failure:
        if 300 <= reply.status < 400:
            reply.close()
            return Redirected(reply.status, reply.headers.get("location", ""))
        told = refusal.read(self._start_of(reply), reply.status, self._redacted(reply.reason))
        failure = told.failure(reply.status)
        failure.retry_after_s = patience.asked_for(reply.headers, told, self._patience.now())
        return failure

    def _start_of(self, reply: Reply) -> bytes:
        """An error body, or as much of it as came: it is only there to be quoted."""
        data = b""
        try:
            for chunk in reply.chunks:
                data += chunk[: ERROR_LIMIT - len(data)]
                if len(data) >= ERROR_LIMIT:
                    break
        except (WireFailure, DeadlinePassed):
            pass  # what was refused is known; only its words are missing
        finally:
            reply.close()
        self.log(2, "<", data)
        return self._redacted(data.decode("utf-8", "replace")).encode()

    def _streamed(self, reply: Reply) -> Reply:
        """The reply, if it is a stream of events; they are read later."""
        try:
            _expect(reply, "text/event-stream")
        except Rejected as failure:
            if reply.headers.get("content-type", "").startswith("application/json"):
                said = refusal.parse(self._start_of(reply).decode())
                failure.message += f": {said.message}" if said and said.message else ""
            reply.close()
            raise
        return reply

    def _file(self, reply: Reply) -> Reply:
        """The reply, if it is a file, of whatever type but that of a proxy's page; it is read later."""
        try:
            if _content_type(reply) == "text/html":
                raise Rejected("not the API's answer: text/html instead of a generated file")
        except Rejected:
            reply.close()
            raise
        return reply

    def _whole(self, reply: Reply) -> bytes:
        """The body of a JSON answer; Unknown or Incomplete if it breaks off before or after its first byte."""
        pieces: list[bytes] = []
        size = 0
        try:
            _expect(reply, "application/json")
            for chunk in reply.chunks:
                pieces.append(chunk)
                size += len(chunk)
                if size > ANSWER_LIMIT:
                    raise Rejected(f"an answer larger than {ANSWER_LIMIT} bytes")
        except (Cut, DeadlinePassed) as error:
            if not b"".join(pieces).strip():
                raise unanswered(str(error)) from error
            raise Incomplete(f"the answer is cut off: {error}", billed="yes") from error
        finally:
            reply.close()
        if not size:
            raise Rejected("the server answered with nothing")
        return b"".join(pieces)


def _expect(reply: Reply, content_type: str) -> None:
    """Only what was asked for is an answer of the API; a proxy's page of HTML is none."""
    found = _content_type(reply)
    if found != content_type:
        raise Rejected(f"not the API's answer: {found or 'no content type'} instead of {content_type}")


def _content_type(reply: Reply) -> str:
    """Rejected for what is compressed."""
    encoding = reply.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise Rejected(f"the answer is compressed ({encoding}), which was not asked for")
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower()


class Redirected(Rejected):
    """Not followed, but for a download; `location` is as the server put it."""

    def __init__(self, http_status: int, location: str) -> None:
        super().__init__(
            f"the server answered with a redirect ({http_status}), which is not followed", http_status=http_status
        )
        self.location = location


class _Refused(Exception):
    """One try failed, as such tries do; the request may be repeated up to `limit` times, if the failure passes."""

    def __init__(self, failure: Failure, limit: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.headers = headers or {}
        self.limit = limit if isinstance(failure, Temporary | Unknown) else 0


def unanswered(reason: str) -> Unknown:
    """A create that was sent and got no answer, told the same way wherever it is noticed."""
    return Unknown(f"{reason}; the request was sent and may have been carried out and billed", billed="maybe")


__all__ = ["Cut", "Hold", "Patience", "Transport", "unanswered"]
