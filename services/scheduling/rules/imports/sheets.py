"""Sheets of CSV, read row by row. A line is counted as an editor does."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice

from services.scheduling.rules.imports.layout import OPTIONAL, SOURCE, Record, no_file
from shared.refusals import Broken

MAX_UNREADABLE = 20
"""A technical bound: after each line that cannot be read the rest of the file is read anew."""


def read_sheet(content: str, record: str, columns: tuple[str, ...]) -> list[Record] | Broken:
    """Every row as a record, or why this is no sheet."""
    rows = _rows(content.removeprefix("\ufeff").splitlines(keepends=True))
    _, first = next(rows, (1, []))
    if first is None:
        return no_file("csv_unreadable", _open_quote(1).detail)
    names = [name.strip().casefold().replace(" ", "_") for name in first]
    broken = _broken_by_names(names, columns)
    if broken is not None:
        return broken
    records: list[Record] = []
    unreadable = 0
    for line, row in rows:
        if row is None:
            unreadable += 1
            if unreadable > MAX_UNREADABLE:
                detail = f"From line {line} on this is no sheet of CSV; export it again."
                return no_file("csv_unreadable", detail)
            records.append(Record(line, record, {}, (_open_quote(line),)))
        elif any(cell.strip() for cell in row):
            records.append(_record(line, record, row, names, columns))
    return records


def _rows(lines: Sequence[str]) -> Iterator[tuple[int, list[str] | None]]:
    """Each row with the line it begins on; None for a line whose quotes do not fit.

    Such a line is left alone, and the sheet is read on from the next one.
    """
    begin = 0
    while begin < len(lines):
        sheet = csv.reader(islice(lines, begin, None), strict=True)
        read = 0
        try:
            for row in sheet:
                yield begin + read + 1, row
                read = sheet.line_num
        except csv.Error:
            yield begin + read + 1, None
            begin += read + 1
        else:
            return


def _open_quote(line: int) -> Broken:
    detail = (
        f"Line {line} opens a quote that is not closed before a comma or the line's end; close it,"
        " and write a quote within a cell twice."
    )
    return Broken("csv_quote", detail, "RFC 4180: double quotes in CSV")


def _broken_by_names(names: Sequence[str], columns: tuple[str, ...]) -> Broken | None:
    """Whether the first line says what is read: each column that is needed, and none twice."""
    right = f"right would be a first line with {', '.join(columns)}."
    missing = [name for name in columns if name not in names and name not in OPTIONAL]
    if missing:
        return no_file(
            "csv_columns", f"The first line names no {' and no '.join(missing)}; {right}"
        )
    several = [name for name in columns if names.count(name) > 1]
    if several:
        detail = f"The first line names {' and '.join(several)} more than once; {right}"
        return no_file("csv_columns", detail)
    return None


def _record(
    line: int, record: str, row: Sequence[str], names: Sequence[str], columns: tuple[str, ...]
) -> Record:
    broken: tuple[Broken, ...] = ()
    if len(row) != len(names):
        detail = f"The line has {len(row)} cells where the first has {len(names)}; quote commas"
        broken = (Broken("csv_cells", f"{detail} within a cell.", SOURCE),)
    cells = {name: cell.strip() for name, cell in zip(names, row, strict=False)}
    return Record(line, record, {name: cells[name] for name in columns if cells.get(name)}, broken)
