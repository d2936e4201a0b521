"""Interactions that exist: fetch, wait for, cancel and delete them by id."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from gemini_cli.api.interaction import Interaction
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.polling import Polled, PollInterval, poll_until_done
from gemini_cli.errors import CliError, UsageError

RUN_POLL = PollInterval(1.0, 5.0)  # 5 s is the interval of the documentation for models (api/README.md 8.4)
HIDDEN_SECONDS = 120.0  # seconds in which the GET of a fresh run may fail with 403 or 404 (api/README.md 8.7)


def fetch_interaction(api_client: ApiClient, interaction_id: str) -> Interaction:
    return Interaction.parse(api_client.json("GET", interaction_path(interaction_id)))


def cancel_interaction(api_client: ApiClient, interaction_id: str) -> Interaction:
    """Stop a run (api/README.md 8.3). Repeating it does no harm."""
    return Interaction.parse(api_client.json("POST", f"{interaction_path(interaction_id)}/cancel", repeatable=True))


def delete_interaction(api_client: ApiClient, interaction_id: str) -> None:
    api_client.delete(interaction_path(interaction_id))


def wait_for_interaction(
    api_client: ApiClient,
    interaction_id: str,
    *,
    hidden_for: float = 0,
    on_poll: Callable[[Interaction], None] = lambda interaction: None,
) -> Interaction:
    """Poll until a run ends; `on_poll` gets each state in between.

    403 and 404 count as running for `hidden_for` seconds.
    """

    def fetch() -> Interaction:
        interaction = fetch_interaction(api_client, interaction_id)
        if interaction.running:
            on_poll(interaction)
        return interaction

    return poll_run(api_client, fetch, lambda interaction: not interaction.running, hidden_for)


def poll_run(
    api_client: ApiClient, fetch: Callable[[], Polled], is_done: Callable[[Polled], bool], hidden_for: float
) -> Polled:
    """Poll a run at the server.

    403 and 404 count as running for `hidden_for` seconds (api/README.md 8.7).
    """
    waited = 0.0

    def fetch_visible() -> Polled | None:
        api_client.check_deadline()
        try:
            return fetch()
        except CliError as failure:
            if failure.http_status not in (403, 404) or waited >= hidden_for:
                api_client.check_deadline()  # it may be the cause
                raise
            return None

    def sleep(seconds: float) -> None:
        nonlocal waited
        api_client.sleep(seconds)
        waited += seconds

    found = poll_until_done(fetch_visible, lambda found: found is not None and is_done(found), sleep, RUN_POLL)
    assert found is not None
    return found


def interaction_path(interaction_id: str) -> str:
    """The path of an interaction; UsageError for an id that would change the path.

    Characters that UTF-8 cannot encode are replaced: no id has them.
    """
    if interaction_id.strip(".") == "":
        raise UsageError(f"{interaction_id!r} is not the id of an interaction")
    return f"interactions/{quote(interaction_id, safe='', errors='replace')}"
