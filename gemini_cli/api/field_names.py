"""Names of fields: snake_case in Interactions, camelCase in generateContent."""

from __future__ import annotations

import re


def to_snake_case(name: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name)


def to_camel_case(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)
