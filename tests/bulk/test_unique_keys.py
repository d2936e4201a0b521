"""Keys that must not name two rows, in memory and in a database."""

from __future__ import annotations

import pytest

from gemini_cli.bulk import unique_keys
from tests.bulk.test_rows import told


@pytest.mark.parametrize("few", [1, 250, 450, 650, unique_keys.KEYS_IN_MEMORY])
def test_a_key_names_one_row_however_many_there_are(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unique_keys, "KEYS_IN_MEMORY", few)
    found = told(b'{"id":"a"}\n{"id":"a","n":2}\n{"id":3}\n{bad\n"no key, but line 5"\n{"id":"5"}\n')
    assert [row[:2] for row in found] == [(1, "a"), (2, "a"), (3, 3), (4, 4), (5, 5), (6, "5")]
    assert found[1][2] == "the key 'a' is that of line 1"
    assert found[-1][2] == "the key '5' is that of line 5"
