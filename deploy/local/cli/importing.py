"""`practice import`: patients and visits that a clinic has on file elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.progress import Progress
from rich.table import Table

from deploy.local.cli.asking import asked_as_staff, console, examples
from deploy.local.client import Practice
from deploy.local.installation import Trouble
from shared.auth import Role

EXAMPLES = examples(
    ("practice import patients.csv --location ID --dry-run", "is every row right? nothing is kept"),
    ("practice import visits.csv --location ID", "the same, then put on file"),
    ("practice import bundle.json --location ID --source osmind", "a FHIR R4 Bundle"),
)

LOOKS_AGAIN_S = 0.2
SHOWN = 200
Rows = list[dict[str, Any]]
_UNDER_WAY = frozenset({"checking", "applying"})


def import_file(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="A sheet of CSV, or a FHIR Bundle."
        ),
    ],
    location: Annotated[
        UUID, typer.Option(metavar="ID", help="The place whose chairs and clock its visits are of.")
    ],
    source: Annotated[
        str,
        typer.Option(
            metavar="WORD", help="The system it comes from: the same word for all its files."
        ),
    ] = "elsewhere",
    other_people: Annotated[
        list[str] | None,
        typer.Option(
            "--other-person",
            metavar="ID",
            help="The source_id of one who only looks like somebody on file; once for each.",
        ),
    ] = None,
    same_people: Annotated[
        list[str] | None,
        typer.Option(
            "--same-person",
            metavar="ID=PATIENT",
            help="The source_id of one who is on file here, and the patient's id; once for each.",
        ),
    ] = None,
    dry_run: Annotated[  # noqa: FBT002  # an option of the command line
        bool, typer.Option("--dry-run", help="Say what is wrong, and put nothing on file.")
    ] = False,
    skip_wrong: Annotated[  # noqa: FBT002  # as above
        bool, typer.Option("--skip-wrong", help="Put the right rows on file although some are not.")
    ] = False,
) -> None:
    """Put patients and visits on file that another system has. The same rows again change nothing.

    Every row is checked first. While one is wrong nothing is put on file, unless you say otherwise.
    """
    content = _read(file)
    wish = {
        "kind": _kind(file, content),
        "source": source,
        "location_id": str(location),
        "content": content,
        "other_people": other_people or [],
        "same_people": [_same(each) for each in same_people or []],
    }
    state = asked_as_staff(context)

    async def run() -> tuple[dict[str, Any], Rows, Rows]:
        async with Practice(state) as practice:
            found = await _post(practice, "/imports", wish)
            with Progress(transient=True, console=console()) as progress:
                found = await _follow(practice, progress, "checking", found)
                if not dry_run and found["ready"] and (skip_wrong or not found["wrong"]):
                    path = f"/imports/{found['import_id']}/apply"
                    found = await _post(practice, path, {"skip_wrong": skip_wrong})
                    found = await _follow(practice, progress, "applying", found)
            wrong = await _rows(practice, found, "problems")
            return found, wrong, await _rows(practice, found, "advice")

    found, wrong, advised = asyncio.run(run())
    _tell(found, wrong, advised)
    if found["wrong"]:
        raise typer.Exit(1)


def _same(said: str) -> dict[str, str]:
    source_id, _, patient_id = said.rpartition("=")
    try:
        return {"source_id": source_id, "patient_id": str(UUID(patient_id))}
    except ValueError:
        raise Trouble(f"{said}: right would be --same-person SOURCE_ID=PATIENT_ID") from None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Trouble(f"{file}: not in UTF-8; save it again as CSV UTF-8") from None


def _kind(file: Path, content: str) -> str:
    if file.suffix.casefold() == ".json":
        return "fhir_bundle"
    first = content.partition("\n")[0].casefold()
    return "appointments" if "patient_source_id" in first else "patients"


async def _post(practice: Practice, path: str, wish: object) -> dict[str, Any]:
    return await practice.post("scheduling", path, wish, role=Role.FRONT_DESK)


async def _follow(
    practice: Practice, progress: Progress, what: str, found: dict[str, Any]
) -> dict[str, Any]:
    """Look again until it is done, and show how far it is."""
    left = "waiting" if what == "checking" else "ready"
    bar = progress.add_task(what, total=found["total"])
    while True:
        progress.update(bar, completed=found["total"] - found[left])
        if found["state"] not in _UNDER_WAY:
            return found
        await asyncio.sleep(LOOKS_AGAIN_S)
        path = f"/imports/{found['import_id']}"
        found = await practice.get("scheduling", path, role=Role.FRONT_DESK)


async def _rows(practice: Practice, found: dict[str, Any], what: str) -> Rows:
    path, shown = f"/imports/{found['import_id']}/{what}", []
    async for row in practice.items("scheduling", path, role=Role.FRONT_DESK):
        shown.append(row)
        if len(shown) == SHOWN:
            break
    return shown


def _tell(found: dict[str, Any], wrong: Rows, advised: Rows) -> None:
    out = console()
    if wrong:
        out.print(_table("what is wrong, and what would be right", wrong))
        if found["wrong"] > len(wrong):
            out.print(f"The first {len(wrong)} wrong rows are shown.")
    if advised:
        out.print(_table("right, and to be looked at all the same", advised))
        if len(advised) == SHOWN:
            out.print(f"The first {SHOWN} of them are shown.")
    told = [
        f"{found[state]} {words}"
        for state, words in (
            ("applied", "put on file"),
            ("ready", "right, not on file yet"),
            ("known", "on file before"),
            ("wrong", "wrong"),
        )
        if found[state]
    ]
    out.print(f"{found['total']} rows: {', '.join(told)}.")


def _table(what: str, rows: Rows) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("line", justify="right")
    table.add_column("column", no_wrap=True)
    table.add_column(what, overflow="fold")
    for row in rows:
        for n, each in enumerate(row["problems"]):
            table.add_row("" if n else str(row["line"]), each["column"] or "", each["detail"])
    return table
