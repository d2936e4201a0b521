"""Sessions: conversations kept in the state directory, one locked file each.

    sessions/NAME.json   {"format": 1, "api": FAMILY, "settings": {...}, "other_settings": [...], "turns": [TURN, ...]}
    TURN                 {"at", "previous", "input", "status", "id", "steps"}

`previous` is the interaction that a turn continues. `status` is the interaction's, "sent" while there is no answer, or
"cut" with `error`, the reason, and `steps`, the part that arrived. `other_settings` names the settings that have no
option and came from --set or --request; any other unknown key was not written by this program.

A turn is written before it is sent, and its answer after the last event. Only completed turns are part of the
conversation: a cut one is shown, and never sent back. The sessions of the emulator are kept apart from those of the
service.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from gemini_cli.api.body import Body
from gemini_cli.api.conversation import Conversation, input_to_steps, settings_of
from gemini_cli.api.interaction import Interaction, Step
from gemini_cli.config.option_groups import BodyField, option_fields
from gemini_cli.config.request_options import RequestOptions
from gemini_cli.errors import InputError, UsageError
from gemini_cli.formats import strict_json
from gemini_cli.storage.paths import FILE_NAME_PATTERN
from gemini_cli.storage.state_dir import StateDirectory

SESSION_FORMAT = 1
DEFAULT_API = "interactions"
SESSION_LIMIT = 256 * 1024 * 1024  # bytes; pictures and signatures are kept in full
RECORD_KEYS = {"format", "api", "settings", "other_settings", "turns"}
TURN_KEYS = {"at", "previous", "input", "status", "id", "steps", "error"}

Turn = dict[str, Any]


class SessionStore:
    """The saved conversations of this user."""

    def __init__(self, state: StateDirectory, *, offline: bool, now: Callable[[], float]) -> None:
        self._state = state
        self._folder = "sessions.offline" if offline else "sessions"
        self._now = now

    def names(self) -> list[str]:
        return [name for name in self._state.names(self._folder, ".json") if re.fullmatch(FILE_NAME_PATTERN, name)]

    def load(self, name: str) -> Session:
        """InputError if there is none, or if its file is damaged."""
        session = self._read(_checked(name))
        if session is None:
            raise InputError(f"there is no session {name}")
        return session

    @contextmanager
    def open_locked(self, name: str) -> Iterator[Session]:
        """Open or make a session; InputError if another process has it."""
        with self._state.lock(f"session {_checked(name)}"):
            yield self._read(name) or Session(name, {}, [], None, self._write, self._now)

    @contextmanager
    def delete_locked(self, name: str) -> Iterator[None]:
        """Delete it, even a damaged one, when the block ends without an exception."""
        if _checked(name) not in self.names():
            raise InputError(f"there is no session {name}")
        with self._state.lock(f"session {name}"):
            yield
            self._state.delete(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}.json"

    def _read(self, name: str) -> Session | None:
        data = self._state.read(self._path(name), SESSION_LIMIT)
        if data is None:
            return None
        try:
            record = strict_json.loads(data.decode())
        except ValueError as error:
            raise InputError(f"session {name} is damaged: {error}; its file is not changed") from None
        if not _is_valid_record(record):
            raise InputError(f"session {name} was not written by this program; its file is not changed")
        if (unknown := _unknown_key(record)) is not None:
            raise InputError(f"session {name}: unknown key {unknown!r}; its file is not changed")
        api = record.get("api", DEFAULT_API if record["turns"] else None)
        return Session(name, record["settings"], record["turns"], api, self._write, self._now)

    def _write(self, session: Session) -> None:
        self._state.write(self._path(session.name), f"{strict_json.dumps(session.record)}\n".encode())


class Session:
    """One conversation: the settings sent with every turn, and the turns.

    Each change is written at once. `api` is the family of the API, which never changes; None before the first turn.
    """

    def __init__(
        self,
        name: str,
        settings: Body,
        turns: list[Turn],
        api: str | None,
        write: Callable[[Session], None],
        now: Callable[[], float],
    ) -> None:
        self.api = api
        self.name = name
        self.settings = settings
        self.turns = turns
        self._write = write
        self._now = now

    @property
    def record(self) -> dict[str, Any]:
        other = sorted(self.settings.keys() - _known_settings())
        return {
            "format": SESSION_FORMAT,
            **({"api": self.api} if self.api else {}),
            "settings": self.settings,
            **({"other_settings": other} if other else {}),
            "turns": self.turns,
        }

    @property
    def completed(self) -> list[Turn]:
        return [turn for turn in self.turns if turn["status"] == "completed"]

    @property
    def ids(self) -> list[str]:
        """The interactions that the service may still keep."""
        return [turn["id"] for turn in self.turns if turn["id"]]

    @property
    def has_full_history(self) -> bool:
        """False if it began by continuing an interaction that is not in the file."""
        return not self.completed or self.completed[0]["previous"] is None

    def conversation(self, body: Body, *, stored: bool) -> Conversation:
        """The conversation so far; UsageError if `body` continues another one."""
        if not self.completed:
            return Conversation(body, stored=stored)
        if body.get("previous_interaction_id"):
            raise UsageError(f"session {self.name} has a history of its own: --previous and -c have no effect")
        steps = [step for turn in self.completed for step in [*input_to_steps(turn["input"]), *turn["steps"]]]
        return Conversation({**body, "previous_interaction_id": self.completed[-1]["id"]}, steps, stored=stored)

    def _timestamp(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._now()))

    def record_request(self, body: Body, turn_input: Any) -> None:
        """Write a turn before it is sent: its input, and the settings of its request."""
        self.settings = {key: value for key, value in settings_of(body).items() if key != "stream"}
        at = self._timestamp()
        previous = body.get("previous_interaction_id")
        self.turns.append(
            {"at": at, "previous": previous, "input": turn_input, "status": "sent", "id": None, "steps": []}
        )
        self._write(self)

    def record_history(self, steps: list[Step]) -> None:
        """Add the steps that the conversation begins with, as a completed turn.

        It is written with the next turn.
        """
        at = self._timestamp()
        self.turns.append({"at": at, "previous": None, "input": steps, "status": "completed", "id": None, "steps": []})

    def record_answer(self, interaction: Interaction) -> None:
        """Write the answer, after its last event."""
        self.turns[-1] |= {"status": interaction.status, "id": interaction.id, "steps": interaction.steps}
        self._write(self)

    def record_cut(self, received: Interaction, reason: str) -> None:
        """Write the part of an answer that arrived."""
        self.turns[-1] |= {"status": "cut", "id": received.id, "steps": received.steps, "error": reason}
        self._write(self)

    def reset(self) -> None:
        """Start a new conversation with the same settings."""
        self.turns = []
        self._write(self)


@cache
def _known_settings() -> frozenset[str]:
    """The fields of a request that have an option."""
    paths = (
        marker.path
        for field in option_fields(RequestOptions)
        for marker in field.markers
        if isinstance(marker, BodyField)
    )
    return frozenset(path.partition(".")[0] for path in paths)


def _unknown_key(record: dict[str, Any]) -> str | None:
    """A key that this program does not write. It must not get into requests."""
    settings = record["settings"].keys() - _known_settings() - set(map(str, record.get("other_settings", ())))
    turns = {key for turn in record["turns"] for key in turn} - TURN_KEYS
    return next(iter(sorted({*(record.keys() - RECORD_KEYS), *settings, *turns})), None)


def _checked(name: str) -> str:
    if not re.fullmatch(FILE_NAME_PATTERN, name):
        raise UsageError(f"{name!r} is not a session name (a-z, 0-9, . _ -; at most 64 characters)")
    return name


def _is_valid_record(record: Any) -> bool:
    """True if the record has this format: any other file must not be overwritten."""
    if not isinstance(record, dict) or record.get("format") != SESSION_FORMAT:
        return False
    turns = record.get("turns")
    if not isinstance(record.get("api", ""), str) or not isinstance(record.get("other_settings", []), list):
        return False
    return isinstance(record.get("settings"), dict) and isinstance(turns, list) and all(map(_is_valid_turn, turns))


def _is_valid_turn(turn: Any) -> bool:
    return (
        isinstance(turn, dict)
        and isinstance(turn.get("status"), str)
        and isinstance(turn.get("id", 0), str | None)
        and isinstance(turn.get("previous", 0), str | None)
        and isinstance(turn.get("input"), str | list | dict)
        and isinstance(turn.get("steps"), list)
        and all(isinstance(step, dict) for step in turn["steps"])
    )
