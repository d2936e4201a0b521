"""A kept conversation: one file of ours in the state directory, held by one process at a time.

    sessions/NAME.json   {"format": 1, "settings": {...}, "turns": [TURN, ...]}
    TURN                 {"at", "previous", "input", "status", "id", "steps"}; `previous` is the interaction that it
                         continues; `status` is the interaction's, "sent" while nobody knows, or "cut" with `error`
                         saying why and `steps` what was heard

The user's turn is on the disk before it is sent, the model's after its last event. Only turns that were completed are
part of the conversation: a cut one is shown, and never sent back as if it were whole. The emulator's conversations are
apart from the service's, which know nothing of their ids.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gemini_cli.api.body import Body
from gemini_cli.api.conversation import Conversation, input_to_steps, settings_of
from gemini_cli.api.interaction import Interaction
from gemini_cli.errors import InputError, UsageError
from gemini_cli.formats import strict_json
from gemini_cli.storage.state_dir import StateDirectory

SESSION_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SESSION_FORMAT = 1
SESSION_LIMIT = 256 * 1024 * 1024  # bytes; pictures and signatures are kept in full

Turn = dict[str, Any]


class SessionStore:
    """The kept conversations of this user."""

    def __init__(self, state: StateDirectory, *, offline: bool, now: Callable[[], float]) -> None:
        self._state = state
        self._folder = "sessions.offline" if offline else "sessions"
        self._now = now

    def names(self) -> list[str]:
        return [name for name in self._state.names(self._folder, ".json") if SESSION_NAME.fullmatch(name)]

    def load(self, name: str) -> Session:
        """InputError if there is none, or if what lies there is none."""
        session = self._read(_checked(name))
        if session is None:
            raise InputError(f"there is no session {name}")
        return session

    @contextmanager
    def open_locked(self, name: str) -> Iterator[Session]:
        """The session, a new one if there is none, while nobody else can have it; InputError, naming who has it."""
        with self._state.lock(f"session {_checked(name)}"):
            yield self._read(name) or Session(name, {}, [], self._write, self._now)

    @contextmanager
    def delete_locked(self, name: str) -> Iterator[None]:
        """It is deleted when the block ends well, a damaged one too; InputError if there is none, or who has it."""
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
            raise InputError(f"session {name} is damaged: {error}; it is left as it is") from None
        if not _sound(record):
            raise InputError(f"session {name} is not one of this program's; it is left as it is")
        return Session(name, record["settings"], record["turns"], self._write, self._now)

    def _write(self, session: Session) -> None:
        self._state.write(self._path(session.name), f"{strict_json.dumps(session.record)}\n".encode())


class Session:
    """One conversation: its settings, which every turn says again, and its turns. Each change is on the disk."""

    def __init__(
        self, name: str, settings: Body, turns: list[Turn], write: Callable[[Session], None], now: Callable[[], float]
    ) -> None:
        self.name = name
        self.settings = settings
        self.turns = turns
        self._write = write
        self._now = now

    @property
    def record(self) -> dict[str, Any]:
        return {"format": SESSION_FORMAT, "settings": self.settings, "turns": self.turns}

    @property
    def completed(self) -> list[Turn]:
        return [turn for turn in self.turns if turn["status"] == "completed"]

    @property
    def ids(self) -> list[str]:
        """Of the interactions that the service may still keep."""
        return [turn["id"] for turn in self.turns if turn["id"]]

    @property
    def has_full_history(self) -> bool:
        """All of its history is known here: it did not begin in the middle of a conversation."""
        return not self.completed or self.completed[0]["previous"] is None

    def conversation(self, body: Body, *, stored: bool) -> Conversation:
        """The conversation so far, to go on with the settings of `body`; UsageError if `body` continues another."""
        if not self.completed:
            return Conversation(body, stored=stored)
        if body.get("previous_interaction_id"):
            raise UsageError(f"session {self.name} has a history of its own: --previous and -c have no effect")
        steps = [step for turn in self.completed for step in [*input_to_steps(turn["input"]), *turn["steps"]]]
        return Conversation({**body, "previous_interaction_id": self.completed[-1]["id"]}, steps, stored=stored)

    def record_request(self, body: Body, turn_input: Any) -> None:
        """Before a turn is sent: what is asked, and the create that asks it."""
        self.settings = {key: value for key, value in settings_of(body).items() if key != "stream"}
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._now()))
        previous = body.get("previous_interaction_id")
        self.turns.append(
            {"at": at, "previous": previous, "input": turn_input, "status": "sent", "id": None, "steps": []}
        )
        self._write(self)

    def record_answer(self, interaction: Interaction) -> None:
        """After its last event."""
        self.turns[-1] |= {"status": interaction.status, "id": interaction.id, "steps": interaction.steps}
        self._write(self)

    def record_cut(self, received: Interaction, reason: str) -> None:
        """Instead of it."""
        self.turns[-1] |= {"status": "cut", "id": received.id, "steps": received.steps, "error": reason}
        self._write(self)

    def reset(self) -> None:
        """Begin again, with the same settings."""
        self.turns = []
        self._write(self)


def _checked(name: str) -> str:
    if not SESSION_NAME.fullmatch(name):
        raise UsageError(f"{name!r} is not the name of a session (a-z, 0-9, . _ -; at most 64)")
    return name


def _sound(record: Any) -> bool:
    """Of this format, as far as we read it: a file that only looks like one must not be written over."""
    if not isinstance(record, dict) or record.get("format") != SESSION_FORMAT:
        return False
    turns = record.get("turns")
    return isinstance(record.get("settings"), dict) and isinstance(turns, list) and all(map(_sound_turn, turns))


def _sound_turn(turn: Any) -> bool:
    return (
        isinstance(turn, dict)
        and isinstance(turn.get("status"), str)
        and isinstance(turn.get("id", 0), str | None)
        and isinstance(turn.get("previous", 0), str | None)
        and isinstance(turn.get("input"), str | list | dict)
        and isinstance(turn.get("steps"), list)
        and all(isinstance(step, dict) for step in turn["steps"])
    )
