"""Batch jobs: many generateContent requests in one (api/README.md 14).

A row is sent as `{"key", "request"}`, and its answer has the same key. Answers come in any order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from gemini_cli.api.api_error import api_error_from
from gemini_cli.api.body import Body
from gemini_cli.api.fields import get_objects, get_typed, parse_object
from gemini_cli.api.generate_content import GENERATE_CONTENT_ADAPTER
from gemini_cli.bulk import output_rows
from gemini_cli.bulk.lines import split_lines
from gemini_cli.bulk.output_rows import OutputRow, SchemaValidator
from gemini_cli.bulk.request_template import RequestTemplate
from gemini_cli.bulk.rows import Key, Row
from gemini_cli.client import resources
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.polling import PollInterval, poll_until_done
from gemini_cli.client.resources import Resource
from gemini_cli.errors import (
    CliError,
    DeadlineExceeded,
    IncompleteError,
    InputError,
    RejectedError,
    TemporaryError,
    UsageError,
)
from gemini_cli.files import upload
from gemini_cli.files.local_file import LocalFile
from gemini_cli.formats import strict_json

# Bytes of the requests inside of the request that starts a job, well below the API's limit; and of a job's file, the
# API's limit (api/README.md 14.6).
INLINE_LIMIT = 4 * 1000 * 1000
JOB_LIMIT = 2 * 1000 * 1000 * 1000
ROWS_MIME_TYPE = "application/jsonl"
JOB_POLL = PollInterval(first=2.0, longest=60.0, factor=1.5)
# The states of a job that changes no more (api/README.md 14.4, 14.7).
ENDED_STATES = ("SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")
RESULT_LIMIT = 512 * 1024 * 1024  # bytes of one result


class Job:
    """A batch job: the API's operation, around its JSON (`raw`)."""

    def __init__(self, raw: Resource) -> None:
        self.raw = raw
        self._metadata = get_typed(raw, "metadata", dict) or {}

    @property
    def name(self) -> str:
        """`batches/ID`; RejectedError for anything else."""
        try:
            return resources.resource_name("batches", get_typed(self.raw, "name", str) or "")
        except UsageError:
            raise RejectedError(f"not the API's answer: a batch job with the name {self.raw.get('name')!r}") from None

    @property
    def state(self) -> str:
        """The state without its prefix (api/README.md 14.4).

        One of `ENDED_STATES`, or QUEUED, PENDING, RUNNING, UPDATING, PAUSED, CANCELLING, or a new one.
        """
        state = get_typed(self._metadata, "state", str) or get_typed(self.raw, "state", str) or "UNSPECIFIED"
        return re.sub(r"^(BATCH|JOB)_STATE_", "", state)

    @property
    def finished(self) -> bool:
        return self.raw.get("done") is True or self.state in ENDED_STATES

    def count(self, *kinds: str) -> int:
        """Sum counts of requests (api/README.md 14.3).

        The kinds are `request` (all), `successful`, `failed` and `pending`; the API sends strings.
        """
        stats = get_typed(self._metadata, "batchStats", dict) or {}
        counts = [str(stats.get(f"{kind}RequestCount" if kind != "request" else "requestCount", "")) for kind in kinds]
        return sum(int(count) for count in counts if re.fullmatch("[0-9]{1,18}", count))

    @property
    def title(self) -> str | None:
        return get_typed(self._metadata, "displayName", str)

    @property
    def created(self) -> str | None:
        return get_typed(self._metadata, "createTime", str)

    @property
    def output(self) -> dict[str, Any]:
        """The object with the results, under one of two names (api/README.md 14.3)."""
        return get_typed(self._metadata, "output", dict) or get_typed(self.raw, "response", dict) or {}

    def completion_error(self) -> CliError | None:
        """None if the job succeeded, otherwise the error."""
        error = get_typed(self.raw, "error", dict)
        match self.state:
            case "CANCELLED":
                return IncompleteError(f"{self.name} was cancelled")
            case "EXPIRED":
                return TemporaryError(f"{self.name} has expired: the server's time limit has passed; submit it again")
            case state if state == "FAILED" or error is not None:
                failure = api_error_from(error or {}).to_cli_error()
                failure.message = f"{self.name} failed: {failure.message}"
                return failure
            case "SUCCEEDED" | "PARTIALLY_SUCCEEDED":  # the rows say which of them failed
                return None
        return IncompleteError(f"{self.name} is {self.state}", hint=f"`gemini-cli batch wait {self.name}` waits for it")


class Batch(NamedTuple):
    """Rows ready to be sent.

    The path of the model, and a file with a line of JSON for each row (api/README.md 14.2).
    """

    model: str
    source: LocalFile


def prepare_batch(
    rows: Iterable[Row], template: RequestTemplate, resolve_attachments: Callable[[Body], object]
) -> Batch:
    """Write all rows as requests of one job to a file without a name.

    InputError if a row cannot be a request, or if there are more than JOB_LIMIT bytes. `resolve_attachments` gets each
    request before it is converted, and first the attachments of all requests.
    """
    resolve_attachments({"input": template.shared_parts})
    models: set[str] = set()

    def lines() -> Iterator[bytes]:
        size = 0
        for number, (line, model) in enumerate(request_lines(rows, template, resolve_attachments)):
            size += len(line)
            if size > JOB_LIMIT:
                raise InputError(
                    f"the rows are too many for one job, which may have {JOB_LIMIT:,} bytes",
                    hint=f"`split -l {number}` makes files of {number:,} rows, for a job each",
                )
            models.add(model)
            yield line

    source = LocalFile.from_chunks(lines(), "the rows")
    return Batch(models.pop(), source)


def request_lines(
    rows: Iterable[Row], template: RequestTemplate, resolve_attachments: Callable[[Body], object]
) -> Iterator[tuple[bytes, str]]:
    """Yield each row's line of the job, and the path of the model.

    InputError if there are no rows, if a row cannot be a request, or if the models differ.
    """
    first: tuple[int, str] | None = None
    for row in rows:
        line, path = _request_line(row, template, resolve_attachments)
        first = first or (row.line, path)
        if path != first[1]:
            raise row.input_error(f"a job has one model, and that of line {first[0]} is another one")
        yield line, path
    if first is None:
        raise InputError("there are no rows")


def _request_line(
    row: Row, template: RequestTemplate, resolve_attachments: Callable[[Body], object]
) -> tuple[bytes, str]:
    if row.fault:
        raise row.input_error(row.fault)
    try:
        body = template.fill(row)
        resolve_attachments(body)
        path, sent = GENERATE_CONTENT_ADAPTER.build_request(body)
    except UsageError as error:
        raise row.input_error(error.message) from None
    line = strict_json.dumps({"key": encode_key(row.key), "request": sent}).encode()
    return line + b"\n", path.removesuffix(":generateContent")


def encode_key(key: Key) -> str:
    """Convert a key to text, as the API wants it.

    A number is written as one; text that would be read as something else is written in quotes.
    """
    return key if isinstance(key, str) and decode_key(key) == key else strict_json.dumps(key)


def decode_key(text: str) -> Key:
    """Convert a key of the API back: the inverse of `encode_key`."""
    try:
        value = strict_json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) or (type(value) is int and str(value) == text) else text


def create_job(api_client: ApiClient, batch: Batch, title: str, advance: Callable[[int], None]) -> Job:
    """Start a job with the rows in it, or with a file of them (api/README.md 14.1).

    UnknownOutcomeError if the job may have been started.
    """
    if batch.source.size <= INLINE_LIMIT:
        lines = b"".join(batch.source.read_chunks(0, batch.source.size)).splitlines()
        config: dict[str, Any] = {
            "requests": {"requests": [_inline(strict_json.loads(line.decode())) for line in lines]}
        }
    else:
        try:
            file = upload.upload(
                api_client, batch.source, mime_type=ROWS_MIME_TYPE, display_name=title, on_progress=advance
            )
            config = {"fileName": upload.file_name(upload.wait_until_active(api_client, file))}
        except DeadlineExceeded as error:
            raise TemporaryError(f"{error.message}; the rows were not ready, and no job was started") from error
    body = strict_json.dumps({"batch": {"displayName": title, "inputConfig": config}}).encode()
    try:
        with api_client.create_errors():
            return Job(resources.parse_answer(api_client.json("POST", f"{batch.model}:batchGenerateContent", body)))
    except CliError as failure:
        if failure.billed != "no":
            failure.hint = "`gemini-cli batch list` shows the jobs that were started"
        elif failure.http_status == 429 and failure.hint is None:
            failure.hint = "100 jobs may be under way at a time (`gemini-cli batch list`); `map` takes the same rows"
        raise


def _inline(line: dict[str, Any]) -> dict[str, Any]:
    return {"request": line["request"], "metadata": {"key": line["key"]}}


def fetch_job(api_client: ApiClient, name: str) -> Job:
    return Job(resources.get_resource(api_client, name))


def cancel_job(api_client: ApiClient, name: str) -> None:
    """Cancel a job.

    The path has a colon, unlike that of an interaction (api/README.md 8.3, 14.5).
    """
    resources.parse_answer(api_client.json("POST", f"{name}:cancel", repeatable=True))


def wait_for_job(api_client: ApiClient, name: str, on_poll: Callable[[Job], None]) -> Job:
    """Poll until a job ends; `on_poll` gets each state."""

    def fetch() -> Job:
        job = fetch_job(api_client, name)
        on_poll(job)
        return job

    return poll_until_done(fetch, lambda job: job.finished, api_client.sleep, JOB_POLL)


def job_results(
    api_client: ApiClient, job: Job, validator: SchemaValidator | None, *, extract: bool = False
) -> Iterator[OutputRow]:
    """Yield the output rows of a job that succeeded.

    An answer without a key, or with that of an earlier one, is a row that failed. IncompleteError if there are fewer
    rows than requests.
    """
    count = 0
    keys: set[str] = set()
    for count, result in enumerate(_results(api_client, job), 1):
        yield _output(result, count, keys, validator, extract)
    requests = job.count("request")
    if count < requests:
        raise IncompleteError(f"{job.name} has {count} results for {requests} requests")


def _results(api_client: ApiClient, job: Job) -> Iterator[str]:
    """Yield each result as JSON; a file is read while it arrives."""
    file = get_typed(job.output, "responsesFile", str)
    if file is not None:
        try:
            name = resources.resource_name("files", file)
        except UsageError:
            raise RejectedError(f"not the API's answer: {job.name} has its results in {file!r}") from None
        for line in split_lines(resources.download_file(api_client, name), RESULT_LIMIT):
            if line.data is None or line.data.strip():
                yield (line.data or b"").decode("utf-8", "replace")
        return
    inline = get_typed(job.output, "inlinedResponses", dict)
    if inline is None:
        raise RejectedError(f"not the API's answer: {job.name} has no results")
    yield from map(strict_json.dumps, get_objects(inline, "inlinedResponses"))


def _output(text: str, number: int, keys: set[str], validator: SchemaValidator | None, extract: bool) -> OutputRow:
    """The output row of a result; its key is added to `keys`."""
    key: Key | None = None
    try:
        result = parse_object(text, f"result {number}")
        named = get_typed(result, "key", str) or get_typed(get_typed(result, "metadata", dict) or {}, "key", str)
        key = decode_key(named) if named is not None else None
        problem = "has no key" if named is None else "has the key of an earlier one" if named in keys else None
        keys.add(named or "")
        error = get_typed(result, "error", dict)
        if error is not None:
            raise api_error_from(error).to_cli_error()
        answer = get_typed(result, "response", dict)
        interaction = GENERATE_CONTENT_ADAPTER.parse_response(strict_json.dumps(answer))
        row = output_rows.answer_row(key, interaction, validator, extract=extract)
        if problem is None:
            return row
        unknown = RejectedError(f"result {number} {problem}, so it is not known which row it answers", billed="yes")
        return output_rows.unassigned_row(row, unknown)
    except CliError as failure:
        return output_rows.error_row(key, failure)
