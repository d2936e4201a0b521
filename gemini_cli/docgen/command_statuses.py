"""The exit statuses that a command can have, by its options."""

from __future__ import annotations

from gemini_cli.config.request_options import RequestOptions
from gemini_cli.docgen.command_info import CommandInfo, prints_answers, sends_requests
from gemini_cli.errors import (
    ActionRequired,
    AuthError,
    Blocked,
    CliError,
    EmulatorMismatch,
    IncompleteError,
    InputError,
    InternalError,
    OutputError,
    PartialFailure,
    QuotaError,
    RejectedError,
    SchemaMismatch,
    TemporaryError,
    UnknownOutcomeError,
    UsageError,
    exit_statuses,
)

ANY_COMMAND = {InternalError, UsageError, OutputError}
REQUEST = {InputError, AuthError, TemporaryError, RejectedError, QuotaError, IncompleteError}
ANSWER = {Blocked, ActionRequired, SchemaMismatch}
# Commands that their options do not tell apart.
LOCAL = {"config show": {InputError}}
MORE: dict[str, set[type[CliError]]] = {
    "api": {UnknownOutcomeError},
    "batch results": {PartialFailure},
    "emulator": {InputError, EmulatorMismatch},
    "files delete": {PartialFailure},
    "interactions delete": {PartialFailure},
    "map": {PartialFailure},
    "upload": {PartialFailure, UnknownOutcomeError},
}


def command_exit_statuses(command: CommandInfo) -> list[tuple[int, str, str]]:
    """Number, kind and meaning of each exit status, as in `errors.exit_statuses`."""
    errors = ANY_COMMAND | MORE.get(command.name, set())
    if command.name in LOCAL:
        errors |= LOCAL[command.name]
    elif sends_requests(command):
        errors |= REQUEST
    if prints_answers(command):
        errors |= ANSWER
    if command.name != "tokens" and any(issubclass(record, RequestOptions) for record in command.records):
        errors |= {UnknownOutcomeError}
    numbers = {0, *(error.exit_status for error in errors)}
    return [row for row in exit_statuses() if row[0] in numbers]
