"""Images of an answer on a terminal: which terminal, which bytes, and what is said beside them."""

from __future__ import annotations

import base64
import io
import re

import pytest

from gemini_cli.console.pictures import encode_for_iterm2, encode_for_kitty, find_encoder
from gemini_cli.emulator.model.media import SAMPLE_JPEG
from tests.harness import gemini, reply

ITERM2 = {"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}
IMAGE = {"type": "image", "mime_type": "image/jpeg", "data": base64.b64encode(SAMPLE_JPEG).decode()}


def answer(*content: dict[str, str]) -> dict[str, object]:
    return {"id": "v1_a", "status": "completed", "steps": [{"type": "model_output", "content": list(content)}]}


@pytest.mark.parametrize(
    ("environ", "encoder"),
    [
        (ITERM2, encode_for_iterm2),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, encode_for_iterm2),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, encode_for_iterm2),
        ({"TERM": "xterm-kitty"}, encode_for_kitty),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, encode_for_kitty),
        ({"TERM": "xterm-ghostty"}, encode_for_kitty),
        ({"TERM": "xterm-256color"}, None),
        ({}, None),
        ({**ITERM2, "TMUX": "/tmp/tmux-1/default,1,0"}, None),
        ({"TERM": "screen.xterm-256color", "KITTY_WINDOW_ID": "1"}, None),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_the_environment_names_the_protocol(environ: dict[str, str], encoder: object) -> None:
    if encoder is encode_for_kitty:
        pytest.importorskip("PIL")
    assert find_encoder(environ) is encoder


def test_iterm2_gets_the_file_as_it_is() -> None:
    found = re.fullmatch(
        rb"\x1b\]1337;File=inline=1;size=(\d+):([A-Za-z0-9+/=]+)\x07\n", encode_for_iterm2(SAMPLE_JPEG)
    )
    assert found
    assert (int(found[1]), base64.b64decode(found[2])) == (len(SAMPLE_JPEG), SAMPLE_JPEG)


def test_kitty_gets_a_small_png_in_pieces() -> None:
    pillow = pytest.importorskip("PIL.Image")
    large = io.BytesIO()
    pillow.effect_noise((1600, 900), 80).save(large, "JPEG")
    sent = encode_for_kitty(large.getvalue())
    pieces = re.findall(rb"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\", sent)
    assert b"".join(b"\x1b_G%s;%s\x1b\\" % piece for piece in pieces) + b"\n" == sent
    controls = [control for control, _ in pieces]
    assert controls == [b"a=T,f=100,q=2,m=1", *[b"m=1"] * (len(pieces) - 2), b"m=0"]
    assert max(len(data) for _, data in pieces) == 4096
    with pillow.open(io.BytesIO(base64.b64decode(b"".join(data for _, data in pieces)))) as shown:
        assert (shown.format, shown.size) == ("PNG", (800, 450))


def test_what_is_no_image_is_an_error() -> None:
    for data in (b"", b"<html>"):
        with pytest.raises(ValueError, match="not an image"):
            encode_for_iterm2(data)
    pytest.importorskip("PIL")
    for data in (b"", b"<html>", SAMPLE_JPEG[:200]):
        with pytest.raises(ValueError, match="not an image"):
            encode_for_kitty(data)


@pytest.mark.parametrize("command", ["generate", "stream"])
def test_an_image_is_shown_with_the_command_that_saves_it(command: str) -> None:
    argv = [command, "--offline", "--format-image", "1:1", "a cat"]
    shown = gemini(*argv, terminal=True, environ=ITERM2)
    assert shown.status == 0
    assert encode_for_iterm2(SAMPLE_JPEG).decode() in shown.out
    assert re.search(r"`gemini-cli interactions get --offline v1_\w+ -o FILE` saves the image\n", shown.err)


def test_words_and_other_media_beside_an_image() -> None:
    sound = {"type": "audio", "mime_type": "audio/mp3", "data": "AAAA"}
    broken = {**IMAGE, "data": base64.b64encode(b"not an image").decode()}
    content = ({"type": "text", "text": "A cat."}, IMAGE, sound, broken)
    shown = gemini("generate", "hi", answers=[reply(answer(*content))], terminal=True, environ=ITERM2)
    assert shown.out == "A cat.\n" + encode_for_iterm2(SAMPLE_JPEG).decode()
    assert "`gemini-cli interactions get v1_a -o FILE` saves the image\n" in shown.err
    assert "the answer holds audio/mp3, image/jpeg; -o FILE writes it" in shown.err


@pytest.mark.parametrize(
    ("argv", "environ", "terminal"),
    [
        (["--no-images"], ITERM2, True),
        ([], {"TERM": "xterm"}, True),
        ([], ITERM2, False),
        (["--json"], ITERM2, True),
    ],
    ids=str,
)
def test_an_image_is_not_shown(argv: list[str], environ: dict[str, str], terminal: bool) -> None:
    found = gemini("generate", *argv, "hi", answers=[reply(answer(IMAGE))], terminal=terminal, environ=environ)
    assert (found.status, "\x1b]" in found.out) == (0, False)
    assert ("the answer holds image/jpeg" in found.err) == ("--json" not in argv)


@pytest.mark.parametrize("argv", [["--no-images"], ["--no-store"], ["--api", "generate-content"], ["-o", "-"]], ids=str)
def test_an_image_that_could_not_be_saved_later_is_refused_before_it_is_sent(argv: list[str]) -> None:
    refused = gemini("generate", "--format-image", "1:1", *argv, "hi", terminal=True, environ=ITERM2)
    assert (refused.status, refused.out) == (2, "")
    assert "use -o FILE" in refused.err
