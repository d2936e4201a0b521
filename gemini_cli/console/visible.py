"""Visible forms of text from outside: a terminal must not act on it."""

from __future__ import annotations

# C0 but newline and tab, DEL, C1, and the bidirectional controls: a terminal acts on them.
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
VISIBLE = {code: f"\\u{code:04x}" for code in _CONTROLS if chr(code) not in "\n\t"}
VISIBLE_IN_LINE = {
    **VISIBLE,
    ord("\n"): "\\n",
    ord("\t"): "\\t",
    ord("\r"): "\\r",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
# Drawn as nothing or as a blank, but printable by category: Default_Ignorable_Code_Point, Braille blank.
_BLANK = {
    0x034F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    *range(0x180B, 0x1810),
    0x2800,
    0x3164,
    *range(0xFE00, 0xFE10),
    0xFFA0,
}
_LAST_PLANES = 0xE0000  # tags and variation selectors

HEAD, TAIL = 900, 400  # characters of a long question that are shown


def visible_text(text: str) -> str:
    """Several lines: newlines and tabs stay, other controls are escaped."""
    return text.translate(VISIBLE)


def visible_line(text: str) -> str:
    """One line: newlines and tabs are escaped, too."""
    return text.translate(VISIBLE_IN_LINE)


def visible_in_full(text: str) -> str:
    """One line in which all invisible characters are escaped as in JSON."""
    return "".join(map(_shown, visible_line(text)))


def shorten(text: str) -> str:
    """The beginning and end of a long text, and the number of characters between."""
    left_out = len(text) - HEAD - TAIL
    return text if left_out <= 0 else f"{text[:HEAD]} … [{left_out} characters not shown] … {text[-TAIL:]}"


def _shown(char: str) -> str:
    code = ord(char)
    if char.isprintable() and code not in _BLANK and code < _LAST_PLANES:
        return char
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
