"""Serve the answers of a function in place of the emulated API."""

from collections.abc import Callable, Iterable

from .errors import ErrorResponse
from .http.error_format import error_to_response
from .http.exchange import HttpRequest, HttpResponse
from .http.routes import ResponseForm, find_route, response_form
from .service import Emulator


class ReplayEmulator(Emulator):
    """An emulator whose answers come from a function.

    `answer` is given the request and the origin of URLs, and raises LookupError with the reason if it has no answer.
    Keys and faults work as in any other emulator.
    """

    def __init__(self, answer: Callable[[HttpRequest, str], HttpResponse], *, faults: Iterable[str] = ()) -> None:
        super().__init__(faults=faults)
        self._answer = answer

    def empty_copy(self) -> Emulator:
        copy = ReplayEmulator(self._answer)
        copy.key, copy.token, copy.scheme = self.key, self.token, self.scheme
        return copy

    def handle(self, request: HttpRequest) -> HttpResponse:
        self._touched = True
        match = find_route(request.method, request.target)
        if match is None:  # the API may have more than the emulator
            return self._replay(request, "json")
        form = response_form(match)
        try:
            self._check_key(match, request)
            faults = self._take_faults(match, request)
        except ErrorResponse as error:
            return error_to_response(error, form)
        return self._with_faults(faults, match, request, lambda request: self._replay(request, form))

    def refuse_early(self, head: HttpRequest) -> HttpResponse | None:
        return None

    def _replay(self, request: HttpRequest, form: ResponseForm) -> HttpResponse:
        try:
            return self._answer(request, f"{self.scheme}://{request.headers.get('host', '')}")
        except LookupError as error:
            reason = str(error.args[0])
            self._add_unknown(request)
            return error_to_response(ErrorResponse(404, reason), form)
