"""The safe subset of YAML and strict JSON: what is read, what is refused, and on which line."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.errors import InputError
from gemini_cli.formats import documents, strict_json, text_files

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join('*' + below for _ in range(9))}]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: {c: [1, 2.5, true, null, ~, 0x1f]}\n", {"a": 1, "b": {"c": [1, 2.5, True, None, None, 31]}}),
        ("a: '1'\nb: \"yes\"\nc: 2020-01-01\nd: 1:30\n", {"a": "1", "b": "yes", "c": "2020-01-01", "d": "1:30"}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("# only a comment\n", None),
        ("", None),
        ("- 1\n- b\n", [1, "b"]),
        ('{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}),
        ("{a: 1, b: [x]}", {"a": 1, "b": ["x"]}),
        ("\ufeffa: 1\n", {"a": 1}),
        ("a: ÄÖ 😀\n", {"a": "ÄÖ 😀"}),
        ("a: |\n  all:\tgcc\n", {"a": "all:\tgcc\n"}),
        ("a: 1e0\nb: [+5, 1_000, .5]\nc: '017'\nd: -0\n", {"a": 1.0, "b": [5, 1000, 0.5], "c": "017", "d": 0}),
    ],
)
def test_plain_documents_are_read(text: str, value: Any) -> None:
    assert documents.parse_document(text.encode(), "f.yaml").value == value


def test_numbers_of_yaml_keep_their_digits(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("# a comment\n[1.10, 1e-1, 1E5, 12345678901234567890]\n")
    value = documents.load_yaml_document(tmp_path / "f.yaml").value
    assert strict_json.dumps(value) == "[1.10, 1e-1, 1E5, 12345678901234567890]".replace(" ", "")


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize("text", ["é: ü\n\tb: 1\n", "a:\n\tb: 1\n", "# ü\n\ta: 1\n"])
def test_a_tab_is_named_with_either_parser(loader: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if loader == "SafeLoader":
        monkeypatch.delattr("yaml.CSafeLoader", raising=False)
    with pytest.raises(InputError, match=r"^f\.yaml:2: a tab; indent and separate with spaces$"):
        documents.parse_document(text.encode(), "f.yaml")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 017\n", 2),
        ("a: -010\n", 1),
        ("a: 1\n\tb: 2\n", 2),
        ("a: 1\nb: 2\na: 3\n", 3),
        ("a: &x 1\nb: *x\n", 1),
        ("a: 1\nb: *x\n", 2),
        ("a: 1\n<<: {b: 2}\n", 2),
        ("a: !!python/object:os.system x\n", 1),
        ("a: !local x\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: 1\n? [b]\n: 2\n", 2),
        ("a: 1\n1: 2\n", 2),
        ("a: 1\nb: \0\n", 2),
        ("a: .inf\n", 1),
        ("a: 1\nb: [1\nc: 2", 3),
        ("a: b: c\n", 1),
        ("[" * 3000, 1),
        ("\n" + "".join(" " * n + f"k{n}:\n" for n in range(18)) + " " * 18 + "end: 1\n", 18),
        (f"a: {'1' * 5000}\n", 1),
        (LAUGHS, 1),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_not_plain_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(InputError, match=rf"^f\.yaml:{line}: "):
        documents.parse_document(text.encode(), "f.yaml")


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1, "a": 2}', '{"a": 1e999}', '{"a": [}', "[" * 200_000])
def test_json_is_strict(text: str) -> None:
    with pytest.raises(InputError, match=r"^f\.json: not valid JSON"):
        documents.parse_document(text.encode(), "f.json")


def test_size_and_encoding_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="70000 bytes of YAML"):
        documents.parse_document(b"#" * 70_000, "f.yaml")
    with pytest.raises(InputError, match="byte offset 3"):
        documents.parse_document(b"a: \xff", "f.yaml")
    (tmp_path / "big").write_bytes(b"x" * 1000)
    with pytest.raises(InputError, match="1000 bytes, the limit is 10"):
        text_files.read_bytes(tmp_path / "big", limit=10)
    with pytest.raises(InputError, match="No such file"):
        documents.load_document(tmp_path / "none", limit=100)
    with pytest.raises(InputError, match="Is a directory"):
        documents.load_document(tmp_path, limit=100)


@pytest.mark.parametrize("text", ['\n\n{"a": 1,\n "b": }', '\n\n{"a": 1}\n{"b": 2}'])
def test_blank_lines_before_and_in_json_are_counted(text: str) -> None:
    with pytest.raises(InputError, match="line 4 column"):
        documents.parse_document(text.encode(), "f.json")


def test_a_fault_names_the_nearest_line() -> None:
    document = documents.parse_document(b"a:\n  b:\n    - 1\n    - 2\n", "f.yaml")
    assert document.error_at(("a", "b", 1), "x").message == "f.yaml:4: x"
    assert document.error_at(("a", "b", 7, "none"), "x").message == "f.yaml:2: x"


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_anything_is_read_or_refused(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    with contextlib.suppress(InputError):
        assert documents.parse_document(data, "f.yaml").value == documents.parse_document(data, "f.yaml").value
