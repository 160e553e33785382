from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local.cli.run import SHIPPED_CLINIC
from deploy.local.demo.expected import expect
from deploy.local.export import BadExport, read_clinic
from deploy.local.export.columns import COLUMNS
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
    for file, names in COLUMNS.items():
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
            "fees.csv, line 2, column fee_usd: '1250.505' is not an amount in dollars like "
            "399.00, up to 1,000,000",
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


@pytest.mark.parametrize(
    ("stem", "old", "new", "says"),
    [
        *(
            (
                "visits",
                "2027-03-16 10:00",
                moment,
                f"visits.csv, line 2, column starts_at: {moment} is not between 2000 and 2199",
            )
            for moment in ("0001-01-01 00:00", "9999-12-31 23:59", "1999-12-31 23:59")
        ),
        (
            "visits",
            "2027-03-16 10:00",
            "\uff12\uff10\uff12\uff17-03-16 10:00",
            "visits.csv, line 2, column starts_at: '\uff12\uff10\uff12\uff17-03-16 10:00' is "
            "not a date and time like 2027-01-08 09:00",
        ),
        (
            "fees",
            "2026-01-01",
            "0001-01-01",
            "fees.csv, line 2, column effective_from: 0001-01-01 is not between 2000 and 2199",
        ),
        *(
            (
                "fees",
                "1250.50",
                amount,
                f"fees.csv, line 2, column fee_usd: {amount!r} is not an amount in dollars like "
                "399.00, up to 1,000,000",
            )
            for amount in ("1e999999", "1e3", "0", "-1", "NaN", "1000000.01", "\uff13\uff19\uff19")
        ),
        (
            "patients",
            "+12025550142",
            "+1202555\uff10142",
            "patients.csv, line 2, column phone: '+1202555\uff10142' is not a phone number like "
            "+12025550101",
        ),
        (
            "patients",
            ",85001,",
            ",\uff18\uff15\uff10\uff10\uff11,",
            "patients.csv, line 2, column postal_code: '\uff18\uff15\uff10\uff10\uff11' is "
            "not a ZIP code like 22314",
        ),
        *(
            (
                "patients",
                "Canary",
                name,
                "patients.csv, line 2, column last_name: holds a line break or another control "
                "character; write it on one line",
            )
            for name in ("Can\0ary", '"Can\nary"', "Can\u2028ary", "Can\x85ary", "Can\x1bary")
        ),
        (
            "patients",
            "1970-02-03",
            "1700-02-03",
            "patients.csv, line 2, column birth_date: 1700-02-03 is not a birth date: from "
            "1900-01-01 to the day of the intake",
        ),
        (
            "patients",
            "1970-02-03",
            "2027-03-13",
            "patients.csv, line 2, column birth_date: 2027-03-13 is not a birth date: from "
            "1900-01-01 to the day of the intake",
        ),
        (
            "series",
            "ketamine_pain",
            "preparation",
            "series.csv, line 2, column visit_type: 'preparation' is not one of ketamine_mood, "
            "ketamine_pain",
        ),
        (
            "series",
            "ketamine_pain",
            "ketamine_mood",
            "series.csv, line 2, column visit_type: ketamine_mood has no fee in fees.csv",
        ),
        (
            "fees",
            "2026-01-01",
            "2027-03-17",
            "visits.csv, line 2, column starts_at: no fee of fees.csv for ketamine_pain has begun "
            "on 2027-03-16",
        ),
        (
            "series",
            "2027-03-12 09:10",
            "2027-03-12 08:59",
            "series.csv, line 2, column booked_at: is before the patient is registered, on "
            "2027-03-12 09:00",
        ),
        (
            "cards",
            "2027-03-12 09:30",
            "2027-03-11 09:30",
            "cards.csv, line 2, column saved_at: is before the patient is registered, on "
            "2027-03-12 09:00",
        ),
        (
            "patients",
            "2027-03-12 09:00,2027-03-12 09:05,quinn,2027-12-31,,,,,",
            "2027-03-12 09:00,,,,heart_disease,2027-03-11 09:00,quinn,2027-12-31,Seen",
            "patients.csv, line 2, column cleared_at: is before the patient is registered, on "
            "2027-03-12 09:00",
        ),
        (
            "visits",
            "2027-03-16 10:00",
            "2027-03-12 09:00",
            "visits.csv, line 2, column starts_at: is before the series is booked, on "
            "2027-03-12 09:10",
        ),
        (
            "visits",
            "2027-03-16 10:00,,",
            "2027-03-16 10:00,2027-03-12 09:00,2027-03-16 11:00",
            "visits.csv, line 2, column moved_at: is before the series is booked, on "
            "2027-03-12 09:10",
        ),
        (
            "visits",
            "2027-03-17 15:00",
            "2027-03-17 09:00",
            "visits.csv, line 3, column paid_at: is before the visit, on 2027-03-17 10:00",
        ),
    ],
)
def test_what_no_clinic_can_have_meant_is_said_as_well(
    tmp_path: Path, stem: str, old: str, new: str, says: str
):
    changed = export.FILES[f"{stem}.csv"].replace(old, new)
    assert changed != export.FILES[f"{stem}.csv"]
    assert _wrong(export.write(tmp_path, **{stem: changed})) == [says]


def test_two_fees_for_one_kind_of_visit_cannot_begin_on_one_day(tmp_path: Path):
    fees = export.FILES["fees.csv"] + "ketamine_pain,1300.00,2026-01-01\n"
    assert _wrong(export.write(tmp_path, fees=fees)) == [
        "fees.csv, line 3, column effective_from: a fee for ketamine_pain from 2026-01-01 stands "
        "in line 2 already"
    ]


def test_a_fault_that_cannot_befall_is_refused(tmp_path: Path):
    faults = """\
ordered_at,location,system,kind,route,times,status,seconds
2027-03-12 09:00,phoenix,smtp,duplicate,any,,,
"""
    assert _wrong(export.write(tmp_path, faults=faults)) == [
        "faults.csv, line 2, column kind: duplicate cannot befall mail, which sends no notices"
    ]


def test_a_ride_is_noted_after_the_booking_however_late_that_comes(tmp_path: Path):
    folder = export.write(
        tmp_path,
        series=export.FILES["series.csv"].replace("2027-03-12 09:10", "2027-03-16 09:50"),
    )
    clinic = read_clinic(folder)
    course = clinic.visits["canary-1"].course
    assert course is not None
    assert (
        course.ride.confirmed_at == course.checked_in_at == clinic.series["canary-pain"].booked_at
    )


def test_a_series_whose_kind_of_visit_has_no_fee_is_named_once(tmp_path: Path):
    series = export.FILES["series.csv"].replace("ketamine_pain", "ketamine_mood")
    assert len(_wrong(export.write(tmp_path, series=series))) == 1


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


def _cells() -> list[tuple[str, int, int]]:
    """Every cell of the files: stem, line, column."""
    return [
        (name.removesuffix(".csv"), number, column)
        for name, content in export.FILES.items()
        for number, line in enumerate(content.splitlines())
        for column in range(len(line.split(",")))
    ]


ODD = (
    "",
    "0",
    "-1",
    "1e999999",
    "0001-01-01",
    "9999-12-31 23:59",
    "\x00",
    "\u0661",
    ";",
    "a" * 200,
)


@given(cell=st.sampled_from(_cells()), found=st.sampled_from(ODD) | st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_cell_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, cell: tuple[str, int, int], found: str
):
    stem, number, column = cell
    lines = [line.split(",") for line in export.FILES[f"{stem}.csv"].splitlines()]
    lines[number][column] = found
    changed = "\n".join(",".join(line) for line in lines)
    folder = export.write(tmp_path_factory.mktemp("clinic"), **{stem: changed})
    with suppress(BadExport):
        expect(read_clinic(folder))
