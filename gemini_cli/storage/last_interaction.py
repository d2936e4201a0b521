"""The record of the last interaction, which `-c` continues."""

from __future__ import annotations

from gemini_cli.errors import InputError, OutputError
from gemini_cli.formats import strict_json
from gemini_cli.storage.state_dir import StateDirectory

LAST_INTERACTION_LIMIT = 64 * 1024  # bytes; a record holds one id


class LastInteraction:
    """The record in the state directory.

    `local`: of a server on this machine, whose ids mean nothing to the service, and the other way round.
    """

    def __init__(self, state: StateDirectory, *, local: bool) -> None:
        self._state = state
        self._name = "last.offline.json" if local else "last.json"

    def load_id(self) -> str:
        """The id that `-c` continues; InputError if none is known."""
        data = self._state.read(self._name, LAST_INTERACTION_LIMIT)
        if not data:
            raise InputError("there is no last interaction to continue")
        try:
            interaction_id = strict_json.loads(data.decode())["id"]
        except (ValueError, TypeError, KeyError):
            interaction_id = None
        if not isinstance(interaction_id, str) or not interaction_id:
            directory = self._state.directory
            raise InputError(f"{self._name} in {directory} is no record of the last interaction; delete it")
        return interaction_id

    def save_id(self, interaction_id: str) -> None:
        """Record the last interaction; of parallel runs the last one counts.

        After an OutputError there is no record, so that `-c` does not continue an older conversation.
        """
        try:
            self._state.write(self._name, f"{strict_json.dumps({'id': interaction_id})}\n".encode())
        except OutputError as error:
            if not self._state.remove_or_empty(self._name):
                error.message += "; the record of an older interaction cannot be removed, and -c would continue that"
            raise
