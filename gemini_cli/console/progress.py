"""Progress in one line on a terminal. The only module that imports rich."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, cast

from rich.console import Console
from rich.filesize import pick_unit_and_suffix
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from gemini_cli.console.visible import visible_line

REDRAW_INTERVAL = 0.1  # seconds between two drawings


class ProgressBar:
    """A bar with a rate and the time left; any thread may advance it.

    Label and notes may come from a server: they are redacted and made visible before they are drawn.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        environ: Mapping[str, str],
        label: str,
        total: float | None,
        unit: str,
        redact: Callable[[str], str] = lambda text: text,
    ) -> None:
        """`unit`: "B" for bytes, another word to count, or empty for a bar alone."""
        self.summary = ""
        self._redact = redact
        file = cast(IO[str], _File(write))  # the part of a file that a console uses
        console = Console(file=file, force_terminal=True, _environ=environ)
        self._progress = Progress(
            _text("{task.description}", 30),
            BarColumn(bar_width=None, table_column=Column(ratio=1, max_width=40)),
            *_counted(unit),
            TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
            _text("{task.fields[note]}", 60),
            console=console,
            expand=True,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task(visible_line(redact(label)), total=total, note="")
        self._lock = threading.Lock()
        self._drawn = 0.0
        self._progress.start()

    def advance(self, count: float) -> None:
        """Add to the amount done. A negative count, for repeated work, keeps the rate."""
        with self._lock:
            self._progress.update(self._task, advance=count)
            self._draw(REDRAW_INTERVAL)

    def advance_to(self, amount: float) -> None:
        """Set the amount done."""
        with self._lock:
            self._progress.update(self._task, completed=amount)
            self._draw(REDRAW_INTERVAL)

    def note(self, text: str) -> None:
        """Show a few words at the end of the line."""
        with self._lock:
            self._progress.update(self._task, note=visible_line(self._redact(text)))
            self._draw(0)

    def _draw(self, pause: float) -> None:
        now = time.monotonic()
        if now - self._drawn >= pause and self._progress.live.is_started:
            self._drawn = now
            self._progress.refresh()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Remove the bar for a block that writes to the same terminal."""
        with self._lock:
            self._progress.stop()
            try:
                yield
            finally:
                self._progress.start()

    def close(self) -> None:
        with self._lock:
            self._progress.stop()


class _SpeedColumn(ProgressColumn):
    """The rate in the units of DownloadColumn with `binary_units`."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text("?", style="progress.data.speed")
        size, suffix = pick_unit_and_suffix(int(speed), ["bytes", "KiB", "MiB", "GiB"], 1024)
        return Text(f"{speed / size:.1f} {suffix}/s", style="progress.data.speed")


class _File:
    encoding = "utf-8"

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True


def _text(form: str, width: int) -> ProgressColumn:
    return TextColumn(form, markup=False, table_column=Column(max_width=width, no_wrap=True, overflow="ellipsis"))


def _counted(unit: str) -> list[ProgressColumn]:
    whole = Column(no_wrap=True)
    if not unit:
        return []
    if unit == "B":
        return [DownloadColumn(binary_units=True, table_column=whole), _SpeedColumn(table_column=whole)]
    return [MofNCompleteColumn(table_column=whole), _text(unit, 20)]
