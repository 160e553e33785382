"""`practice demo` on nothing but what comes with it, with another clinic than the shipped one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local import export
from tests.local.command import Command

FAULTS = "ordered_at,location,system,kind,route,times,status,seconds\n"


def _demo(tmp_path: Path, clinic: Path) -> tuple[int, str]:
    with Command(tmp_path / "run", "demo", "--clinic", str(clinic)) as demo:
        code = demo.ends()
        return code, demo.output


def test_another_clinics_files_are_lived_through_the_same_way(tmp_path: Path):
    code, output = _demo(tmp_path, export.write(tmp_path / "clinic"))
    assert code == 0, output
    assert "Quinn Testa ends infusion 1 after 235 min" in output
    assert "3 = $3,751.50" in output
    assert "All 11 are as expected." in output
    _whole_timeline_reads_well(output)
    documents = sorted((tmp_path / "run" / "superbills").glob("*.pdf"))
    assert [pdf.read_bytes()[:5] for pdf in documents] == [b"%PDF-"] * 4
    estimate, *superbills = documents
    assert estimate.name.startswith("GFE-")
    bills = [json.loads(pdf.with_suffix(".json").read_text()) for pdf in superbills]
    assert [bill["total_cents"] for bill in bills] == [125050] * 3
    assert not (tmp_path / "run" / "demo" / "state.json").exists()


def _whole_timeline_reads_well(output: str) -> None:
    """No code stands where words should, and the end says where to go from here."""
    told = output.partition("Superbills ──")[0]
    assert "_" not in told
    assert max(map(len, told.splitlines())) <= 100
    _before, end = output.split("To look around ──")
    assert end.count("/docs ") == 4
    assert "practice up" in end


def test_the_demo_fails_and_says_what_never_came(tmp_path: Path):
    fault = "2027-03-12 08:45,phoenix,smtp,status_before,DATA,1,550,\n"
    code, output = _demo(tmp_path, export.write(tmp_path / "clinic", faults=FAULTS + fault))
    assert code == 1, output
    assert "Testa Canary: mail missing: the estimate is ready, Fri Mar 12 09:10" in output
    assert "not as expected:" in output


def test_what_the_rules_forbid_is_a_surprise_that_fails_the_demo(tmp_path: Path):
    twice = export.FILES["series.csv"] + export.FILES["series.csv"].splitlines()[1].replace(
        "canary-pain", "canary-again"
    )
    visits = export.FILES["visits.csv"] + "\n".join(
        line.replace("canary-", "again-", 1).replace("canary-pain", "canary-again")
        for line in export.FILES["visits.csv"].splitlines()[1:]
    )
    clinic = export.write(tmp_path / "clinic", series=twice, visits=visits)
    code, output = _demo(tmp_path, clinic)
    assert code == 1, output
    assert "refused:" in output


@pytest.mark.parametrize("clinic", ["nowhere", "clinic"])
def test_files_that_are_wrong_are_reported_before_anything_starts(tmp_path: Path, clinic: str):
    export.write(tmp_path / "clinic", fees=export.FILES["fees.csv"].replace("1250.50", "free"))
    code, output = _demo(tmp_path, tmp_path / clinic)
    assert code == 1
    assert "Traceback" not in output
    assert output.endswith("1 to mend in the export.\n")
    assert not (tmp_path / "run").exists()
