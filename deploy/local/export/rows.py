"""One CSV file, row by row; what cannot be read is noted in words and never raised.

A cell that is wrong reads as None, and its row counts as unsound: whoever builds records from rows
drops the unsound ones and goes on, so one look at the files finds every problem.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")

HEADER_LINE = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person must mend in a file."""

    file: str
    words: str
    line: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        column = "" if self.column is None else f", column {self.column}"
        return f"{self.file}{line}{column}: {self.words}"


class Row:
    """One line of one file."""

    def __init__(
        self, file: str, line: int, cells: Mapping[str, str], problems: list[Problem]
    ) -> None:
        self.file = file
        self.line = line
        self.sound = True
        self._cells = cells
        self._problems = problems

    def has(self, column: str) -> bool:
        return self._cells[column] != ""

    def cell(self, column: str, read: Callable[[str], T]) -> T:
        """What stands in a column. `read` raises `ValueError` with words a person can act on."""
        found = self._cells[column]
        try:
            if not found:
                raise ValueError("must not be empty")
            return read(found)
        except ValueError as wrong:
            return cast("T", self.wrong(column, str(wrong)))

    def maybe(self, column: str, read: Callable[[str], T]) -> T | None:
        """As `cell`, where an empty cell says that there is nothing."""
        return self.cell(column, read) if self.has(column) else None

    def together(self, *columns: str) -> bool:
        """Whether these columns are filled; some filled and some not is a problem."""
        filled = [column for column in columns if self.has(column)]
        if filled and len(filled) < len(columns):
            for column in columns:
                if column not in filled:
                    self.wrong(column, f"must not be empty when {filled[0]} is given")
        return len(filled) == len(columns)

    def wrong(self, column: str | None, words: str) -> None:
        self.sound = False
        self._problems.append(Problem(self.file, words, self.line, column))

    def unsound(self) -> None:
        """What this row refers to is itself wrong, and said so already."""
        self.sound = False


class Folder:
    """The files of one export, and everything that is wrong with them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problems: list[Problem] = []

    def rows(self, file: str, columns: Sequence[str], *, needed: bool = True) -> Iterator[Row]:
        """The rows below the header. Empty lines are passed over."""
        path = self._path / file
        if not path.is_file():
            if needed:
                self._note(file, f"is missing from {self._path}")
            return
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as wrong:
            line = path.read_bytes()[: wrong.start].count(b"\n") + 1
            self._note(file, "is not UTF-8; save it as CSV UTF-8", line)
            return
        # A line of CSV ends with CR or LF; Python's own lines end with other characters as well.
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        line = HEADER_LINE
        try:
            header = [name.strip() for name in next(reader, [])]
            if not self._header_fits(file, header, columns):
                return
            while True:
                line = reader.line_num + 1
                cells = next(reader, None)
                if cells is None:
                    return
                if any(cell.strip() for cell in cells) and self._fits(file, line, header, cells):
                    stripped = [cell.strip() for cell in cells]
                    yield Row(file, line, dict(zip(header, stripped, strict=True)), self.problems)
        except csv.Error as wrong:
            self._note(file, f"is not CSV: {wrong}", line)

    def _header_fits(self, file: str, header: Sequence[str], columns: Sequence[str]) -> bool:
        expected = f"expected: {', '.join(columns)}"
        if not any(header):
            self._note(file, f"has no header; {expected}", HEADER_LINE)
            return False
        twice = {name for name in header if header.count(name) > 1}
        for name in sorted(twice):
            self._note(file, "stands twice in the header", HEADER_LINE, name)
        for name in header:
            if name not in columns:
                self._note(file, f"is not a column of this file; {expected}", HEADER_LINE, name)
        for name in columns:
            if name not in header:
                self._note(file, "is missing from the header", HEADER_LINE, name)
        return not twice and set(header) == set(columns)

    def _fits(self, file: str, line: int, header: Sequence[str], cells: Sequence[str]) -> bool:
        if len(cells) == len(header):
            return True
        self._note(file, f"has {len(cells)} cells where the header has {len(header)}", line)
        return False

    def _note(
        self, file: str, words: str, line: int | None = None, column: str | None = None
    ) -> None:
        self.problems.append(Problem(file, words, line, column))
