"""Batch jobs: many generateContent requests in one, answered within a day (api/README.md 14).

A row is sent as `{"key", "request"}`, and its answer has the same key. Answers come in any order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from gemini_cli import json_text, refusal, resources
from gemini_cli.body import Body
from gemini_cli.client.api_client import ApiClient
from gemini_cli.errors import DeadlinePassed, Failure, Incomplete, InputError, Rejected, Temporary, Unknown, UsageError
from gemini_cli.files import uploads
from gemini_cli.files.source import Source
from gemini_cli.generate_content import GENERATE_CONTENT
from gemini_cli.interaction import objects, parse_object, want
from gemini_cli.many import rows
from gemini_cli.many.form import Form
from gemini_cli.many.rows import Judge, Key, Output, Row
from gemini_cli.resources import Resource

INLINE = 4 * 1000 * 1000  # bytes of requests inside the job's own: well below the API's limit (api/README.md 14.6)
TYPE = "application/jsonl"
POLL = 2.0  # seconds between two polls of a job, at first
POLL_LONGEST = 60.0
LONGEST = 512 * 1024 * 1024  # bytes of one result


class Job:
    """The operation around its JSON (`raw`)."""

    def __init__(self, raw: Resource) -> None:
        self.raw = raw
        self._metadata = want(raw, "metadata", dict) or {}

    @property
    def name(self) -> str:
        """`batches/ID`; Rejected for anything else."""
        try:
            return resources.full_name("batches", want(self.raw, "name", str) or "")
        except UsageError:
            raise Rejected(f"not the API's answer: a batch job with the name {self.raw.get('name')!r}") from None

    @property
    def state(self) -> str:
        """The state without its prefix: PENDING, RUNNING, SUCCEEDED, FAILED … (api/README.md 14.4)."""
        said = want(self._metadata, "state", str) or want(self.raw, "state", str) or "UNSPECIFIED"
        return re.sub(r"^(BATCH|JOB)_STATE_", "", said)

    @property
    def over(self) -> bool:
        return self.raw.get("done") is True or self.state in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")

    def count(self, *kinds: str) -> int:
        """Sum the counts of `request` (all), `successful`, `failed` or `pending`, strings all (api/README.md 14.3)."""
        stats = want(self._metadata, "batchStats", dict) or {}
        counts = [str(stats.get(f"{kind}RequestCount" if kind != "request" else "requestCount", "")) for kind in kinds]
        return sum(int(count) for count in counts if re.fullmatch("[0-9]{1,18}", count))

    @property
    def title(self) -> str | None:
        return want(self._metadata, "displayName", str)

    @property
    def created(self) -> str | None:
        return want(self._metadata, "createTime", str)

    @property
    def output(self) -> dict[str, Any]:
        """The object with the results, under one of two names (api/README.md 14.3)."""
        return want(self._metadata, "output", dict) or want(self.raw, "response", dict) or {}

    def verdict(self) -> Failure | None:
        """None if it succeeded, otherwise the error."""
        error = want(self.raw, "error", dict)
        match self.state:
            case "CANCELLED":
                return Incomplete(f"{self.name} was cancelled")
            case "EXPIRED":
                return Temporary(f"{self.name} has expired: it was not done within the service's time; submit it again")
            case state if state == "FAILED" or error is not None:
                failure = refusal.from_error(error or {}).failure()
                failure.message = f"{self.name} failed: {failure.message}"
                return failure
            case "SUCCEEDED":
                return None
        return Incomplete(f"{self.name} is {self.state}", hint=f"`gemini-cli batch wait {self.name}` waits for it")


class Batch(NamedTuple):
    """Rows ready to be sent: the model's path, and a file with a line of JSON for each row (api/README.md 14.2)."""

    model: str
    source: Source


def ready(found: Iterable[Row], form: Form, settle: Callable[[Body], object]) -> Batch:
    """All rows as requests of one job, in a file without a name; InputError if one of them cannot be one.

    `settle` sees each question before it is put in the family's words, and what is attached to all of them first.
    """
    models: dict[str, int] = {}
    settle({"input": form.common})

    def lines() -> Iterator[bytes]:
        for row in found:
            line, path = request(row, form, settle)
            models.setdefault(path, row.line)
            if len(models) > 1:
                raise row.failure(f"a job has one model, and that of line {min(models.values())} is another one")
            yield line
        if not models:
            raise InputError("there are no rows")

    source = Source.spooled(lines(), "the rows")
    return Batch(next(iter(models)), source)


def request(row: Row, form: Form, settle: Callable[[Body], object]) -> tuple[bytes, str]:
    """A row's line of the job, and the path of the model it is for."""
    if row.fault:
        raise row.failure(row.fault)
    try:
        asked = form.fill(row)
        settle(asked)
        path, body = GENERATE_CONTENT.request(asked)
    except UsageError as error:
        raise row.failure(error.message) from None
    line = json_text.dump({"key": written(row.key), "request": body}).encode()
    return line + b"\n", path.removesuffix(":generateContent")


def written(key: Key) -> str:
    """The API's keys are text. A number is written as one; a text that would be read as something else, in quotes."""
    return key if isinstance(key, str) and read(key) == key else json_text.dump(key)


def read(text: str) -> Key:
    """The key that was written so."""
    try:
        value = json_text.parse(text)
    except ValueError:
        return text
    return value if isinstance(value, str) or (type(value) is int and str(value) == text) else text


def create(service: ApiClient, batch: Batch, title: str, advance: Callable[[int], None]) -> Job:
    """Start a job with the rows in it, or with a file of them (api/README.md 14.1).

    Unknown if it may have been started.
    """
    if batch.source.size <= INLINE:
        lines = b"".join(batch.source.pieces(0, batch.source.size)).splitlines()
        config: dict[str, Any] = {"requests": {"requests": [_inline(json_text.parse(line.decode())) for line in lines]}}
    else:
        try:
            file = uploads.upload(service, batch.source, mime_type=TYPE, display_name=title, advance=advance)
            config = {"fileName": uploads.name_of(uploads.wait_until_active(service, file))}
        except DeadlinePassed as error:
            raise Temporary(f"{error.message}; the rows were not ready, and no job was started") from error
    body = json_text.dump({"batch": {"displayName": title, "inputConfig": config}}).encode()
    try:
        answer = service.json("POST", f"{batch.model}:batchGenerateContent", body)
    except Unknown as failure:
        failure.hint = "`gemini-cli batch list` shows the jobs that were started"
        raise
    return Job(resources.parse(answer))


def _inline(line: dict[str, Any]) -> dict[str, Any]:
    return {"request": line["request"], "metadata": {"key": line["key"]}}


def fetch(service: ApiClient, name: str) -> Job:
    return Job(resources.one(service, name))


def cancel(service: ApiClient, name: str) -> None:
    """Cancel a job; the path has a colon, unlike an interaction's (api/README.md 8.3, 14.5)."""
    resources.parse(service.json("POST", f"{name}:cancel", repeatable=True))


def wait(service: ApiClient, name: str, look: Callable[[Job], None]) -> Job:
    """Poll until a job ends; `look` gets each state."""
    pause = POLL
    while True:
        job = fetch(service, name)
        look(job)
        if job.over:
            return job
        service.sleep(pause)
        pause = min(pause * 1.5, POLL_LONGEST)


def results(service: ApiClient, job: Job, judge: Judge | None) -> Iterator[Output]:
    """Yield the output rows of a job that succeeded. Incomplete if there are fewer than requests."""
    count = 0
    for count, found in enumerate(_results(service, job), 1):
        yield _output(found, count, judge)
    wanted = job.count("request")
    if count < wanted:
        raise Incomplete(f"{job.name} has {count} results for {wanted} requests")


def _results(service: ApiClient, job: Job) -> Iterator[str]:
    """Yield each result as JSON; a file is read while it arrives."""
    file = want(job.output, "responsesFile", str)
    if file is not None:
        for line in rows.lines(resources.download(service, resources.full_name("files", file)), LONGEST):
            if line.data is None or line.data.strip():
                yield (line.data or b"").decode("utf-8", "replace")
        return
    inline = want(job.output, "inlinedResponses", dict)
    if inline is None:
        raise Rejected(f"not the API's answer: {job.name} has no results")
    yield from map(json_text.dump, objects(inline, "inlinedResponses"))


def _output(text: str, place: int, judge: Judge | None) -> Output:
    key: Key = place
    try:
        result = parse_object(text, f"result {place}")
        named = want(result, "key", str) or want(want(result, "metadata", dict) or {}, "key", str)
        key = read(named) if named is not None else place
        error = want(result, "error", dict)
        if error is not None:
            raise refusal.from_error(error).failure()
        answer = want(result, "response", dict)
        return rows.answered(key, GENERATE_CONTENT.interaction(json_text.dump(answer)), judge)
    except Failure as failure:
        return rows.failed(key, failure)
