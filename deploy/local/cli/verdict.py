"""The end of a demonstration: expected beside happened, and where the superbills are."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from deploy.local.demo.demo import Lived


def print_verdict(out: Console, lived: Lived) -> None:
    """Print the table, then in words everything that is missing or too much."""
    out.print()
    out.print(Rule("[bold]Expected and happened[/]", align="left", style="bright_black"))
    table = Table(box=None, pad_edge=False, padding=(0, 1), expand=False)
    for name in ("patient", "what", "expected", "happened", ""):
        table.add_column(name, header_style="bright_black", overflow="fold")
    shown = None
    for line in lived.lines:
        mark = "[bold red]✗[/]" if line.wrong else "[green]✓[/]"
        name = "" if line.about == shown else line.about
        if name and shown is not None:
            table.add_row()
        shown = line.about
        happened = escape(line.happened)
        table.add_row(
            f"[bold]{escape(name)}[/]",
            line.what,
            escape(line.expected),
            f"[bold red]{happened}[/]" if line.wrong else happened,
            mark,
        )
    out.print(table)
    _print_superbills(out, lived)
    out.print()
    if lived.wrong:
        out.print(f"[bold red]{len(lived.wrong)} not as expected:[/]")
        for what in lived.wrong:
            out.print(f"  [red]✗[/] {escape(what)}", soft_wrap=True)
    else:
        out.print(f"[bold green]All {len(lived.lines)} are as expected.[/]")


def _print_superbills(out: Console, lived: Lived) -> None:
    """Where each patient's documents are."""
    out.print()
    out.print(Rule("[bold]Superbills[/]", align="left", style="bright_black"))
    for happened in lived.happened.values():
        for number, bill in enumerate(happened.superbills):
            name = "" if number else happened.patient.name
            out.print(f"{escape(name):<18}  {escape(_short(bill.path))}", soft_wrap=True)
    out.print(f"[bright_black]{'':<18}  Each stands there as JSON, too.[/]")


def _short(path: Path) -> str:
    """As somebody in this folder would type it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
