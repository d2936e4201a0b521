"""Regular expressions of JSON Schema, which have the syntax of ECMA-262.

Most patterns mean the same in both. Python cannot compile some good ones (`\\p{L}`, `(?<name>x)`, `[\\w-.]`):
`is_pattern` tells these from broken ones.
"""

from __future__ import annotations

import re
import warnings

_GROUP = re.compile(r"\(\?(?::|=|!|<=|<!|<[^\W\d][\w$]*>|[ims]*(?:-[ims]*)?:)")
_ESCAPE = re.compile(r"\\(?:[pP]\{[\w=]+\}|u\{[0-9a-fA-F]{1,6}\}|k<[^\W\d][\w$]*>|.)", re.DOTALL)
_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_RANGE = re.compile(r"([^\\\]])-([^\\\]])", re.DOTALL)


def can_compile(pattern: str) -> bool:
    """Whether Python's `re` can compile the pattern."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError):
            return False
    return True


def is_pattern(pattern: str) -> bool:
    """Whether the structure of the pattern is valid in ECMA-262, with or without `u`."""
    place = depth = 0
    repeatable = False
    while place < len(pattern):
        char = pattern[place]
        end = place + 1
        if char == "\\":
            escape = _ESCAPE.match(pattern, place)
            if escape is None or re.match(r"\\[pP]\{(?![\w=]+\})", pattern[place:]):
                return False
            end, repeatable = escape.end(), True
        elif char == "[":
            end = _class_end(pattern, place)
            repeatable = True
        elif char == "(":
            group = _GROUP.match(pattern, place)
            if group is None and pattern.startswith("(?", place):
                return False
            end = group.end() if group else end
            depth, repeatable = depth + 1, False
        elif char == ")":
            depth, repeatable = depth - 1, True
        elif char in "*+?" or (char == "{" and _COUNT.match(pattern, place)):
            end = _quantifier_end(pattern, place) if repeatable else 0
            repeatable = False
        else:
            repeatable = char not in "^$|"
        if depth < 0 or end <= place:
            return False
        place = end
    return depth == 0


def _class_end(pattern: str, position: int) -> int:
    """The index after a class in brackets; 0 if the class is not valid."""
    position += 2 if pattern.startswith("[^", position) else 1
    while position < len(pattern) and pattern[position] != "]":
        if pattern[position] == "\\":
            escape = _ESCAPE.match(pattern, position)
            if escape is None:
                return 0
            position = escape.end()
            continue
        ends = _RANGE.match(pattern, position)
        if ends and ends[1] > ends[2]:
            return 0
        position = ends.end() if ends else position + 1
    return position + 1 if position < len(pattern) else 0


def _quantifier_end(pattern: str, position: int) -> int:
    """The index after a quantifier; 0 for one such as {3,2}."""
    count = _COUNT.match(pattern, position)
    if count and count[3] and int(count[1]) > int(count[3]):
        return 0
    end = count.end() if count else position + 1
    return end + pattern.startswith("?", end)
