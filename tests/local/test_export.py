from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.cli.run import SHIPPED_CLINIC
from deploy.local.export import BadExport, read_clinic
from deploy.local.export.clinic import columns
from tests.local import export

VISITS_HEADER = export.FILES["visits.csv"].splitlines()[0]
VISIT = export.FILES["visits.csv"].splitlines()[1]


def _wrong(folder: Path) -> list[str]:
    with pytest.raises(BadExport) as bad:
        read_clinic(folder)
    return [str(problem) for problem in bad.value.problems]


def test_the_shipped_clinic_holds_the_six_stories():
    clinic = read_clinic(SHIPPED_CLINIC)
    assert list(clinic.patients) == ["ada", "ben", "cleo", "dora", "emil", "faye"]
    assert len(clinic.visits) == 36
    assert clinic.patients["cleo"].concerns == ("uncontrolled_blood_pressure",)
    assert clinic.series["emil-mood"].stopped_at is not None
    assert [fault.kind for fault in clinic.faults] == ["status_before", "lost_answer"]


def test_the_readme_names_every_file_and_column():
    readme = (SHIPPED_CLINIC / "README.md").read_text()
    for file, names in columns().items():
        assert f"## {file}" in readme
        for name in names:
            assert f"`{name}`" in readme, (file, name)


def test_local_times_are_read_on_the_clock_of_the_locations_wall(tmp_path: Path):
    clinic = read_clinic(export.write(tmp_path))
    assert clinic.visits["canary-1"].starts_at == datetime(2027, 3, 16, 17, 0, tzinfo=UTC)


def test_fees_are_cents_to_the_last_one(tmp_path: Path):
    (fee,) = read_clinic(export.write(tmp_path)).fees
    assert fee.amount_cents == 125050


@pytest.mark.parametrize(
    ("stem", "old", "new", "says"),
    [
        (
            "patients",
            "1970-02-03",
            "03.02.1970",
            "patients.csv, line 2, column birth_date: '03.02.1970' is not a date like 2027-01-08",
        ),
        (
            "patients",
            "+12025550142",
            "202-555-0142",
            "patients.csv, line 2, column phone: '202-555-0142' is not a phone number like "
            "+12025550101",
        ),
        (
            "patients",
            "Canary",
            "",
            "patients.csv, line 2, column last_name: must not be empty",
        ),
        (
            "series",
            "canary,quinn",
            "nobody,quinn",
            "series.csv, line 2, column patient: 'nobody' is no patient of patients.csv",
        ),
        (
            "series",
            "G90.511",
            "pain",
            "series.csv, line 2, column diagnoses: 'pain' is not an ICD-10-CM code like F33.1",
        ),
        (
            "visits",
            "2027-03-16 10:00",
            "2027-13-16 10:00",
            "visits.csv, line 2, column starts_at: '2027-13-16 10:00' is not a date and time like "
            "2027-01-08 09:00",
        ),
        (
            "visits",
            "235",
            "four hours",
            "visits.csv, line 2, column drip_min: 'four hours' is not minutes: a whole number "
            "from 1 to 1440",
        ),
        (
            "visits",
            "rideshare",
            "bus",
            "visits.csv, line 2, column ride: 'bus' is not one of driver, rideshare",
        ),
        (
            "visits",
            "rideshare,",
            "driver,",
            "visits.csv, line 2, column ride_name: must not be empty when a driver comes: who is "
            "it?",
        ),
        (
            "visits",
            "2027-03-16 10:00,,",
            "2027-03-16 10:00,2027-03-13 09:00,",
            "visits.csv, line 2, column moved_to: must not be empty when moved_at is given",
        ),
        (
            "fees",
            "1250.50",
            "1250.505",
            "fees.csv, line 2, column fee_usd: '1250.505' is not an amount in dollars like 399.00",
        ),
        (
            "locations",
            "America/Phoenix",
            "Arizona",
            "locations.csv, line 2, column zone: 'Arizona' is not a time zone like "
            "America/New_York",
        ),
        (
            "staff",
            "1000000020",
            "1000000021",
            "staff.csv, line 2, column npi: '1000000021' is not an NPI: ten digits whose check "
            "digit fits",
        ),
        (
            "cards",
            "saved_at",
            "saved",
            "cards.csv, line 1, column saved: is not a column of this file; expected: patient, "
            "card_number, saved_at",
        ),
        (
            "chairs",
            "one,phoenix,Chair one",
            "one,phoenix",
            "chairs.csv, line 2: has 2 cells where the header has 3",
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_column(
    tmp_path: Path, stem: str, old: str, new: str, says: str
):
    changed = export.FILES[f"{stem}.csv"].replace(old, new)
    assert changed != export.FILES[f"{stem}.csv"]
    assert says in _wrong(export.write(tmp_path, **{stem: changed}))


def test_every_problem_is_reported_at_once_and_none_twice(tmp_path: Path):
    folder = export.write(
        tmp_path,
        patients=export.FILES["patients.csv"]
        .replace("1970-02-03", "yesterday")
        .replace("canary@example.com", "canary"),
        visits=export.FILES["visits.csv"].replace(",yes,", ",maybe,", 1),
        fees=export.FILES["fees.csv"].replace("ketamine_pain", "massage"),
    )
    wrong = _wrong(folder)
    assert [line.split(":")[0] for line in wrong] == [
        "fees.csv, line 2, column visit_type",
        "patients.csv, line 2, column birth_date",
        "patients.csv, line 2, column email",
        "visits.csv, line 2, column fasted",
    ]


def test_what_rests_on_a_wrong_row_is_not_blamed_for_it(tmp_path: Path):
    folder = export.write(
        tmp_path, locations=export.FILES["locations.csv"].replace("America/Phoenix", "Mars/Base")
    )
    assert len(_wrong(folder)) == 1


def test_a_time_that_the_clocks_leave_out_is_refused(tmp_path: Path):
    folder = export.write(
        tmp_path,
        locations=export.FILES["locations.csv"].replace("America/Phoenix", "America/New_York"),
        visits=export.FILES["visits.csv"].replace("2027-03-16 10:00", "2027-03-14 02:30"),
    )
    assert _wrong(folder) == [
        "visits.csv, line 2, column starts_at: 2027-03-14 02:30 does not exist in "
        "America/New_York: clocks go forward then"
    ]


def test_visits_of_a_series_stand_in_the_order_of_their_times(tmp_path: Path):
    earlier = VISIT.replace("canary-1", "canary-2").replace("2027-03-16", "2027-03-15")
    folder = export.write(tmp_path, visits=f"{VISITS_HEADER}\n{VISIT}\n{earlier}")
    assert _wrong(folder) == [
        "visits.csv, line 3, column starts_at: is not after the visit of this series before it"
    ]


def test_a_key_stands_for_one_thing(tmp_path: Path):
    later = VISIT.replace("2027-03-16", "2027-03-17")
    folder = export.write(tmp_path, visits=f"{VISITS_HEADER}\n{VISIT}\n{later}")
    assert _wrong(folder) == [
        "visits.csv, line 3, column visit: 'canary-1' stands in line 2 already"
    ]


def test_files_that_are_missing_or_hold_no_text_are_named(tmp_path: Path):
    folder = export.write(tmp_path)
    (folder / "visits.csv").unlink()
    (folder / "fees.csv").write_bytes(b"visit_type,fee_usd,effective_from\n\xff\xfe\n")
    (folder / "cards.csv").write_text("")
    assert _wrong(folder) == [
        "fees.csv, line 2: is not UTF-8; save it as CSV UTF-8",
        "cards.csv, line 1: has no header; expected: patient, card_number, saved_at",
        f"visits.csv: is missing from {folder}",
    ]


def test_a_quote_that_never_ends_is_no_traceback(tmp_path: Path):
    folder = export.write(tmp_path, chairs='chair,location,name\none,phoenix,"Chair\n')
    assert any("chairs.csv" in line and "is not CSV" in line for line in _wrong(folder))


def test_no_folder_is_no_traceback(tmp_path: Path):
    assert _wrong(tmp_path / "nowhere") == [f"{tmp_path / 'nowhere'}: is not a folder"]
