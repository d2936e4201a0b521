"""The printed documents: what is committed is what the program prints, and the readers of its formats accept it."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from gemini_cli.cli.app import app
from gemini_cli.config import api_key
from gemini_cli.docgen import command_info, man, roff
from gemini_cli.docgen.__main__ import CHECKOUT, stale_files
from gemini_cli.docgen.command_info import CommandInfo, load_commands
from gemini_cli.docgen.command_statuses import command_exit_statuses
from gemini_cli.docgen.completion import COMPLETION_SCRIPTS
from gemini_cli.errors import CliError
from tests.faults.table import TABLE
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
    manual = "".join(f"{section.title} " for section in man.MANUAL.get(command.name, ()))
    expected = SECTIONS.replace("EXIT", f"{manual}EXIT")
    assert re.sub("FILES ", "", " ".join(re.findall(r"^\.SH (.*)", page, re.MULTILINE))) == expected
    for field in command_info.command_options(command):
        assert all(roff.bold(name) in page for name in field.spellings)
    kinds = {kind for _, kind, _ in command_exit_statuses(command)}
    for error in CliError.__subclasses__():
        assert (f"({error.kind})" in page) == (error.kind in kinds)


def test_the_page_of_the_program_has_every_status() -> None:
    assert all(f"({error.kind})" in PAGES["gemini-cli.1"] for error in CliError.__subclasses__())


def test_a_page_has_the_statuses_that_the_command_can_have() -> None:
    found = {command.name: {row[0] for row in command_exit_statuses(command)} for command in load_commands()}
    for row in TABLE:
        for command in row.commands:
            assert {*row.statuses} <= found[command.partition(" ")[0]], row
    assert found["completion"] == found["config profiles"] == {0, 1, 2, 13}
    assert found["config show"] == {0, 1, 2, 3, 13}
    assert found["models list"] == found["tokens"] == {0, 1, 2, 3, 4, 5, 6, 7, 8, 13}
    assert found["batch results"] == {*found["models list"], 11}
    assert found["map"] == found["upload"] == {*found["models list"], 11, 12}
    assert found["generate"] == {*range(15)} - {11}
    assert found["interactions get"] == found["generate"] - {12}


def test_each_shell_of_the_command_has_a_script() -> None:
    words = {command.name: command.argument_words for command in load_commands()}["completion"]
    assert words == tuple(COMPLETION_SCRIPTS)


@pytest.mark.parametrize("command", load_commands(), ids=lambda command: command.name)
def test_help_and_page_have_the_same_groups(command: CommandInfo) -> None:
    """The same headings with the same options, in the same order."""
    text = CliRunner().invoke(app, [*command.name.split(), "--help"]).stdout.partition("\nExamples:")[0]
    in_help = re.findall(r"^(\w[\w ]*):$|^  (--?\w[\w-]*)", text, re.MULTILINE)
    page = PAGES[f"gemini-cli-{command.name.replace(' ', '-')}.1"].replace(r"\-", "-").replace(r"\%", "")
    options = page.partition(".SH OPTIONS")[2].partition(".SH")[0]
    in_page = re.findall(r'^\.SS "(.*)"$|^\.TP\n\\fB(--?\w[\w-]*)', options, re.MULTILINE)
    in_help = [found for found in in_help if found != ("Arguments", "")]
    assert in_page == in_help


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
