"""Pictures on a terminal: the protocols of iTerm2 and kitty.

https://iterm2.com/documentation-images.html and https://sw.kovidgoyal.net/kitty/graphics-protocol/
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from gemini_cli.formats import mime_types

EncodePicture = Callable[[bytes], bytes]  # from an image file to an escape sequence; ValueError for other data

ITERM2_PROGRAMS = ("iTerm.app", "WezTerm", "mintty")
KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
KITTY_PIECE = 4096  # bytes of base64 in one escape sequence
LARGEST_PICTURE = (800, 600)  # pixels; kitty cuts off what does not fit into its window
_FORMATS = ("JPEG", "PNG", "WEBP")


def find_encoder(environ: Mapping[str, str]) -> EncodePicture | None:
    """The encoder for the terminal of this environment; None if it has none.

    tmux and screen do not pass these sequences on. kitty takes PNG and the API sends JPEG, so kitty needs Pillow.
    """
    term = environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith(("screen", "tmux")):
        return None
    if environ.get("TERM_PROGRAM") in ITERM2_PROGRAMS or environ.get("LC_TERMINAL") == "iTerm2":
        return encode_for_iterm2
    if (environ.get("KITTY_WINDOW_ID") or term in KITTY_TERMS) and find_spec("PIL"):
        return encode_for_kitty
    return None


def encode_for_iterm2(data: bytes) -> bytes:
    if not (mime_types.guess_from_content(data) or "").startswith("image/"):
        raise ValueError("not an image")
    return b"\x1b]1337;File=inline=1;size=%d:%s\x07\n" % (len(data), base64.b64encode(data))


def encode_for_kitty(data: bytes) -> bytes:
    """The image as PNG, in pieces; with `q=2` kitty sends nothing back."""
    encoded = base64.b64encode(_small_png(data))
    pieces = [encoded[start : start + KITTY_PIECE] for start in range(0, len(encoded), KITTY_PIECE)]
    controls = [b"a=T,f=100,q=2,", *[b""] * (len(pieces) - 1)]
    sequences = (
        b"\x1b_G%sm=%d;%s\x1b\\" % (control, number < len(pieces), piece)
        for number, (control, piece) in enumerate(zip(controls, pieces, strict=True), 1)
    )
    return b"".join(sequences) + b"\n"


def _small_png(data: bytes) -> bytes:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            image.thumbnail(LARGEST_PICTURE)
            png = io.BytesIO()
            image.save(png, "PNG")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # as Pillow documents
        raise ValueError(f"not an image: {error}") from error
    return png.getvalue()
