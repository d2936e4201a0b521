"""The printed documents: what is committed is what the program prints, and the readers of its formats accept it."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from gemini_cli.config import api_key
from gemini_cli.docgen import command_info, man, roff
from gemini_cli.docgen.__main__ import CHECKOUT, stale_files
from gemini_cli.docgen.command_info import CommandInfo, load_commands
from gemini_cli.errors import CliError
from tests.test_layers import PACKAGE
from tests.waiting import PATIENCE

PAGES = man.man_pages(load_commands())
SECTIONS = "NAME SYNOPSIS DESCRIPTION OPTIONS EXIT STATUS ENVIRONMENT EXAMPLES SEE ALSO"


def test_what_is_committed_is_what_would_be_printed() -> None:
    assert stale_files() == [], "run python -m gemini_cli.docgen"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "reader", [["mandoc", "-Tlint", "-Wwarning"], ["groff", "-man", "-ww", "-Tutf8", "-z"]], ids=" ".join
)
def test_the_readers_of_man_pages_have_nothing_to_say(reader: list[str], name: str) -> None:
    if shutil.which(reader[0]) is None:
        pytest.skip(f"{reader[0]} is not installed here")
    command = [*reader, str(CHECKOUT / "man" / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("command", load_commands(), ids=lambda command: command.name)
def test_a_page_has_every_section_flag_and_status(command: CommandInfo) -> None:
    page = PAGES[f"gemini-cli-{command.name.replace(' ', '-')}.1"]
    assert re.sub("FILES ", "", " ".join(re.findall(r"^\.SH (.*)", page, re.MULTILINE))) == SECTIONS
    for field in command_info.command_options(command):
        assert all(roff.bold(name) in page for name in command_info.spellings(field))
    for kind in CliError.__subclasses__():
        assert f"({kind.kind})" in page


def test_every_variable_that_the_client_reads_is_documented() -> None:
    """By name; the proxies' names are put together. HOME and PATH are everybody's."""
    client = [path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(PACKAGE / "emulator")]
    source = "".join(path.read_text() for path in client)
    read = set(re.findall(r"environ(?:\.get\(|\.pop\(|\[)\"([A-Z_]+)\"", source)) | {*api_key.KEY_VARIABLES}
    told = {name for each in command_info.documented_variables(load_commands()) for name in each.names}
    assert read - told == {"HOME", "PATH"}
    assert {
        name
        for command in load_commands()
        for field in command_info.command_options(command)
        for name in field.variables
    } <= told


def test_roff_says_what_was_said() -> None:
    said = ".TH 'quoted' \\ back -- ~ ^ ` … \"it's\"\n. dots\n'ticks"
    page = f".TH T 1 2026-05-20\n.SH NAME\nt \\- t\n.SH TEXT\n{roff.literal(said)}\n"
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed here")
    done = subprocess.run(
        ["mandoc", "-Tutf8"], input=page, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    shown = re.sub(".\b", "", done.stdout)
    lines = [line.removeprefix(" " * 11) for line in shown.split("TEXT\n")[1].split("\n")]
    assert lines[:3] == said.split("\n")
