"""Make attachments ready: inline, or uploaded first through the Files API.

An uploaded file without a type is looked up, and waited for. Of the local files, the largest are uploaded until the
rest of the request fits. Parts are changed in place, once, so that a request that is sent again, or is part of a
history, does not upload its files again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_cli.api.body import REQUEST_LIMIT, Body
from gemini_cli.api.fields import get_typed
from gemini_cli.client.request_body import encoded_length
from gemini_cli.errors import DeadlineExceeded, InputError, RejectedError, TemporaryError
from gemini_cli.files.content_parts import Base64File, FileReference, Part
from gemini_cli.formats.mime_types import content_kind, is_text

if TYPE_CHECKING:
    from gemini_cli.client.api_client import ApiClient
    from gemini_cli.client.resources import Resource
    from gemini_cli.console.terminal import Progress, Terminal

PDF_LIMIT = 50 * 1000 * 1000  # bytes of a PDF that the API takes inline (api/README.md 3.4)


class InlinePolicy(NamedTuple):
    """When a local file is sent inline.

    Always, never, or while the whole request has at most `limit` bytes.
    """

    limit: int
    always: bool = False
    never: bool = False


class Attachments:
    """Resolves the attachments of requests.

    `make_api_client` is called only if there is a request to send; `terminal` shows the progress of uploads.
    """

    def __init__(self, policy: InlinePolicy, make_api_client: Callable[[], ApiClient], terminal: Terminal) -> None:
        self._policy = policy
        self._make_api_client = make_api_client
        self._terminal = terminal

    def resolve(self, body: Body) -> None:
        """Look up, upload and wait for the files of a request, before it is sent.

        InputError for a file that has to be inline and cannot be. TemporaryError if the time limit passes first: the
        request itself was not sent.
        """
        try:
            self._look_up(body)
            self._upload(self._too_large(body))
        except DeadlineExceeded as error:
            raise TemporaryError(f"{error.message}; the attachments were not ready, and no request was sent") from error

    def preview(self, body: Body) -> list[str]:
        """Put placeholders where `resolve` would put addresses; send nothing.

        Returns the names of the files that would be uploaded.
        """
        for part in _parts(body):
            if isinstance(part.get("uri"), FileReference):
                name = part["uri"]
                raise InputError(f"the type of {name} is only known to the server; add ;type=image/png or the like")
        chosen = self._too_large(body)
        names = [str(part["data"].source.name) for part in chosen]
        for part, name in zip(chosen, names, strict=True):
            _set_address(part, f"(of {name}, uploaded first)", part["mime_type"])
        return names

    def _look_up(self, body: Body) -> None:
        for part in _parts(body):
            if isinstance(part.get("uri"), FileReference):
                from gemini_cli.client import resources

                name = part["uri"]
                self._wait_and_set_address(part, resources.get_resource(self._make_api_client(), name))
                if is_text(part["mime_type"]):  # ignored by models (api/README.md 3.5)
                    self._terminal.print_notice(
                        f"{name} is text, which models do not see by reference; attach a local copy"
                    )

    def _upload(self, chosen: list[Part]) -> None:
        """Upload all, then wait for all, so that the server processes them in parallel."""
        if not chosen:
            return
        sources = [part["data"].source for part in chosen]
        label = sources[0].name if len(sources) == 1 else f"{len(sources)} files"
        with self._terminal.progress(label, sum(source.size for source in sources), "B") as progress:
            files = [self._upload_once(part, progress) for part in chosen]
            progress.note("waiting until it can be used")
            for part, file in zip(chosen, files, strict=True):
                self._wait_and_set_address(part, file)

    def _upload_once(self, part: Part, progress: Progress) -> Resource:
        """Upload the file of a part, unless an earlier row of a `map` has done so.

        No worker waits for the upload of another one: that one may have to wait for this worker.
        """
        from gemini_cli.files import upload

        data: Base64File = part["data"]
        if data.file is None:
            source = data.source
            self._terminal.log(1, f"{source.name} is uploaded first")
            title = os.fsencode(os.path.basename(source.path)).decode("utf-8", "replace") if source.path else None
            data.file = upload.upload(
                self._make_api_client(),
                source,
                mime_type=part["mime_type"],
                display_name=title,
                on_progress=progress.advance,
            )
        return data.file

    def _wait_and_set_address(self, part: Part, file: Resource) -> None:
        from gemini_cli.files import upload

        ready = upload.wait_until_active(self._make_api_client(), file)
        uri, mime_type = get_typed(ready, "uri", str), get_typed(ready, "mimeType", str)
        if not uri or not mime_type:
            raise RejectedError(f"the server does not tell the address or the type of {ready.get('name')}")
        _set_address(part, uri, mime_type)

    def _too_large(self, body: Body) -> list[Part]:
        """The parts that go through the Files API: the largest, until the rest fits."""
        local = [part for part in _parts(body) if isinstance(part.get("data"), Base64File)]
        if self._policy.never or not local:
            return local
        if self._policy.always:
            for part in filter(_is_large_pdf, local):
                source = part["data"].source
                raise InputError(f"{source.name} cannot go inline: {source.size} bytes, a PDF may have {PDF_LIMIT}")
            return []
        chosen: list[Part] = []
        rest, limit = encoded_length(body), min(self._policy.limit, REQUEST_LIMIT)
        for part in sorted(local, key=lambda part: part["data"].size, reverse=True):
            if rest > limit or _is_large_pdf(part):
                chosen.append(part)
                rest -= part["data"].size
        return chosen


def _parts(body: Body) -> Iterator[Part]:
    """The content parts of an input, in any of its shapes (api/README.md 2.3)."""
    return _inside(body.get("input"))


def _inside(turn_input: Any) -> Iterator[Part]:
    for each in turn_input if isinstance(turn_input, list) else ():
        if isinstance(each, dict):
            yield each
            yield from _inside(each.get("content"))


def _is_large_pdf(part: Part) -> bool:
    return bool(part["mime_type"] == "application/pdf" and part["data"].source.size > PDF_LIMIT)


def _set_address(part: Part, uri: str, mime_type: str) -> None:
    """Replace the data of a part by an address; the user's other fields stay."""
    part.pop("data", None)
    own_fields = {key: value for key, value in part.items() if key != "uri"}
    part |= {"type": content_kind(mime_type), "uri": uri, "mime_type": mime_type, **own_fields}
