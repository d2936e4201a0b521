"""Whether an answer is complete, and the error if it is not."""

from __future__ import annotations

from shlex import quote

from gemini_cli.api.api_error import api_error_from
from gemini_cli.api.fields import get_objects
from gemini_cli.api.interaction import RUNNING, Interaction
from gemini_cli.errors import ActionRequired, Blocked, CliError, IncompleteError, RejectedError


def completion_error(interaction: Interaction) -> CliError | None:
    """Return None for a complete answer, otherwise the error.

    An unknown status does not count as success.
    """
    failure = (
        interaction.continuation_error.after_output_began() if interaction.continuation_error else _verdict(interaction)
    )
    if failure is not None:
        failure.interaction_id = interaction.id
        failure.billed = "yes"
    return failure


def _verdict(interaction: Interaction) -> CliError | None:
    reported = _reported(interaction)
    match interaction.status:
        case "completed":
            return None
        case "incomplete":
            if isinstance(reported, Blocked):
                return reported
            reason = f": {reported.message}" if reported else "; most likely it reached the token limit"
            return IncompleteError(f"the answer is incomplete{reason}")
        case "failed":
            return reported or RejectedError("the interaction failed, and the server gave no reason")
        case "requires_action":
            return _waiting(interaction)
        case "requires_continuation":
            return IncompleteError(
                "the answer goes on: it reached the output limit of one request",
                hint="--long requests the rest; each request bills its input again",
            )
        case status if status in RUNNING:
            waits = f"`gemini-cli interactions wait {quote(interaction.id or 'ID')}` waits for it"
            return IncompleteError(f"the interaction is {status}", hint=waits)
        case status:
            return IncompleteError(f"the interaction ended as {status!r}")


def _waiting(interaction: Interaction) -> CliError:
    names = ", ".join(str(call.get("name")) for call in interaction.calls)
    results = " ".join(f"--result {quote(str(call.get('id')))}=@FILE" for call in interaction.calls)
    if interaction.id:
        repeat, context = "", f"--previous {quote(interaction.id)}"
    else:  # the server does not store it, so the caller has to
        repeat, context = "repeat with --history FILE, then ", "--history FILE"
    return ActionRequired(
        f"the model waits for the result of a call: {names or 'it did not say which'}",
        hint=f"{repeat}run `gemini-cli call-tool {context} {results}` with the same options" if results else None,
    )


def _reported(interaction: Interaction) -> CliError | None:
    """The first error in an interaction or in its steps (api/README.md 4.9, 6.1)."""
    reported = get_objects(interaction.raw, "errors")
    reported += [step["error"] for step in interaction.steps if isinstance(step.get("error"), dict)]
    return api_error_from(reported[0]).to_cli_error() if reported else None
