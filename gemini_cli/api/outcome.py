"""Whether an answer is complete, and the error if it is not."""

from __future__ import annotations

from shlex import quote

from gemini_cli.api import errors as errors_module
from gemini_cli.api.fields import objects
from gemini_cli.api.interaction import RUNNING, Interaction
from gemini_cli.errors import ActionRequired, Blocked, Failure, Incomplete, Rejected


def verdict(interaction: Interaction) -> Failure | None:
    """Return None for a complete answer, otherwise the error.

    An unknown status does not count as success.
    """
    failure = interaction.lost.after_the_first_byte() if interaction.lost else _verdict(interaction)
    if failure is not None:
        failure.interaction_id = interaction.id
        failure.billed = "yes"
    return failure


def _verdict(interaction: Interaction) -> Failure | None:
    reported = _reported(interaction)
    match interaction.status:
        case "completed":
            return None
        case "incomplete":
            if isinstance(reported, Blocked):
                return reported
            reason = f": {reported.message}" if reported else "; most likely it reached the token limit"
            return Incomplete(f"the answer is incomplete{reason}")
        case "failed":
            return reported or Rejected("the interaction failed, and the server gave no reason")
        case "requires_action":
            return _waiting(interaction)
        case "requires_continuation":
            return Incomplete(
                "the answer goes on: it reached the output limit of one request",
                hint="--long asks for the rest; each request bills its input again",
            )
        case status if status in RUNNING:
            waits = f"`gemini-cli interactions wait {quote(interaction.id or 'ID')}` waits for it"
            return Incomplete(f"the interaction is {status}", hint=waits)
        case status:
            return Incomplete(f"the interaction ended as {status!r}")


def _waiting(interaction: Interaction) -> Failure:
    names = ", ".join(str(call.get("name")) for call in interaction.calls)
    results = " ".join(f"--result {quote(str(call.get('id')))}=@FILE" for call in interaction.calls)
    if interaction.id:
        condition, kept = "", f"--previous {quote(interaction.id)}"
    else:  # the server does not store it, so the caller has to
        condition, kept = "asked with --history FILE, ", "--history FILE"
    return ActionRequired(
        f"the model waits for the result of a call: {names or 'it did not say which'}",
        hint=f"{condition}`gemini-cli call-tool {kept} {results}` and the same flags go on" if results else None,
    )


def _reported(interaction: Interaction) -> Failure | None:
    """The first error in an interaction or in its steps (api/README.md 4.9, 6.1)."""
    errors = objects(interaction.raw, "errors")
    errors += [step["error"] for step in interaction.steps if isinstance(step.get("error"), dict)]
    return errors_module.from_error(errors[0]).failure() if errors else None
