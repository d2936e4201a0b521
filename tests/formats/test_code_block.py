"""The first fenced code block of a text: the rules of CommonMark, and any split of the text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gemini_cli.errors import IncompleteError, SchemaMismatch
from gemini_cli.formats.code_block import CodeBlockExtractor, extract_code_block

FENCES = ["```", "```", "````", "~~~", "~~~~", "``` a", "~~~ `", "``` `", "``", "~~"]
INDENTS = st.sampled_from(["", "", "", " ", "   ", "    ", "  \t", "\t", "       "])
LINES = st.tuples(INDENTS, st.sampled_from([*FENCES, "a", "b c", "", ""]), st.sampled_from(["", "", " ", "\t"]))
LISTS = st.tuples(INDENTS, st.sampled_from(["- ", "1.  ", "10) ", "* "]), st.sampled_from([*FENCES, "a", ""]))
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", ""])


def texts(*lines: st.SearchStrategy[tuple[str, ...]], ends: st.SearchStrategy[str] = ENDS) -> st.SearchStrategy[str]:
    one = st.tuples(st.one_of(*lines).map("".join), ends).map("".join)
    return st.lists(one, max_size=12).map("".join)


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("```\na\nb\n```\n", "a\nb\n"),
        ("Sure:\n\n```python\nprint(1)\n```\n\nDone.\n```\nsecond\n```", "print(1)\n"),
        ("~~~ sh -e\nls\n~~~", "ls\n"),
        ("```\n```", ""),
        ("```\na\n```", "a\n"),
        ("````md\n```\nnested\n```\n````\n", "```\nnested\n```\n"),
        ("```md\n```\n", ""),
        ("```\na\n`````  \n", "a\n"),
        ("~~~\n```\n~~~\n", "```\n"),
        ("```\n~~~\n``\n``` a\n```\n", "~~~\n``\n``` a\n"),
        ("``` not`an opening\n~~~\na\n~~~", "a\n"),
        ("~~~ a`b ~~~\nx\n~~~", "x\n"),
        ("`` `\n```\na\n```", "a\n"),
        ("```a```\n\n```\nb\n```", "b\n"),
        ("   ```\n   a\n     b\n c\n   ```", "a\n  b\nc\n"),
        ("    ```\n    code\n    ```\n\n```\na\n```", "a\n"),
        ("```\na\n    ```\n```", "a\n    ```\n"),
        ("  ```\n\ta\n```", "  a\n"),
        ("```\r\na\r\n\r\nb\r\n```\r\n", "a\r\n\r\nb\r\n"),
        ("```\na\u2028b\x0bc\n```", "a\u2028b\x0bc\n"),
        ("1.  Do this:\n    ```sh\n    ls\n      -l\n    ```\n", "ls\n  -l\n"),
        ("10. Do this:\n\n    - and:\n\n      ```\n      ls\n      ```\n", "ls\n"),
        ("- ```\n  a\n  ```", "a\n"),
        ("* Do this:\n  ```\nls\n  ```\n", "ls\n"),
        ("- item\n\ntext\n\n      ```\n      code\n      ```\n\n```\na\n```", "a\n"),
        ("* * *\n```\na\n```", "a\n"),
    ],
)
def test_the_block_is_that_of_commonmark(text: str, block: str) -> None:
    assert extract_code_block(text) == block


@pytest.mark.parametrize("text", ["", "words", "`code`", "```a```", "    ```\n    a\n    ```", "``\na\n``"])
def test_a_text_without_a_block_is_an_error(text: str) -> None:
    with pytest.raises(SchemaMismatch, match="no code block"):
        extract_code_block(text)


@pytest.mark.parametrize("text", ["```", "```\na", "```\na\n``", "````\na\n```", "```\na\n~~~", "```\na\n``` b"])
def test_a_block_that_is_not_closed_may_be_cut(text: str) -> None:
    with pytest.raises(IncompleteError, match="not closed"):
        extract_code_block(text)


def test_a_line_is_returned_as_soon_as_it_is_complete() -> None:
    extractor = CodeBlockExtractor()
    pieces = ["Hi\n``", "`py\nfir", "st\nsec", "ond", "\n`", "``", "\nmore\n```\nx"]
    assert [extractor.feed(piece) for piece in pieces] == ["", "", "first\n", "", "second\n", "", ""]
    assert (extractor.closed, extractor.finish(), extractor.error()) == (True, "", None)


def extracted(pieces: list[str]) -> tuple[str, str]:
    extractor = CodeBlockExtractor()
    found = "".join(map(extractor.feed, pieces)) + extractor.finish()
    return found, str(extractor.error())


@given(texts(LINES, LISTS), st.lists(st.integers(0, 60)))
def test_any_split_gives_the_same_block(text: str, places: list[int]) -> None:
    ends = sorted(place for place in places if place < len(text))
    pieces = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    assert extracted(pieces) == extracted([text])


@given(texts(LINES, LISTS), texts(LINES, LISTS))
def test_lines_before_the_end_stay_a_prefix_of_the_block(text: str, more: str) -> None:
    extractor = CodeBlockExtractor()
    early = extractor.feed(text)
    assert extracted([text + more])[0].startswith(early)


@settings(max_examples=500)
@given(texts(LINES, ends=st.just("\n")))
def test_outside_of_lists_the_block_is_that_of_another_reader(text: str) -> None:
    found, error = extracted([text])
    fences = [token for token in MarkdownIt("commonmark").parse(text) if token.type == "fence"]
    assert bool(fences) == (error != "the answer has no code block")
    if error == "None":
        assert found == fences[0].content


@given(st.lists(st.text(st.sampled_from("ab `~-\t")), max_size=5), st.sampled_from(["", "-   ", "1. ", "10) "]))
def test_a_block_in_a_list_item_is_that_of_another_reader(lines: list[str], marker: str) -> None:
    """A longer fence than any in the lines, all of which have the indentation of the item."""
    indent = " " * len(marker)
    body = "".join(f"{indent}{line}\n" for line in ["~" * 9, *lines, "~" * 9])
    text = f"{marker}words\n\n{body}" if marker else body
    fences = [token for token in MarkdownIt("commonmark").parse(text) if token.type == "fence"]
    assert extract_code_block(text) == fences[0].content
