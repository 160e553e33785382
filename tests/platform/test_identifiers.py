"""Check digits: every single mistyped digit is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.identifiers import is_dea_number, is_ein, is_npi

NPI = "1234567893"  # CMS's own example of a check digit
DEA = "AB1234563"


@pytest.mark.parametrize("place", range(10))
@pytest.mark.parametrize("digit", "0123456789")
def test_an_npi_with_one_mistyped_digit_does_not_check(place: int, digit: str) -> None:
    typed = NPI[:place] + digit + NPI[place + 1 :]
    assert is_npi(typed) == (typed == NPI)


@given(st.from_regex(r"[12][0-9]{8}", fullmatch=True))
def test_exactly_one_of_ten_last_digits_makes_an_npi(start: str) -> None:
    assert sum(is_npi(f"{start}{digit}") for digit in range(10)) == 1


@pytest.mark.parametrize("wrong", ["", "123456789", "3234567891", "12345678931", "123456789٣"])
def test_what_has_no_npi_s_shape_is_none(wrong: str) -> None:
    assert not is_npi(wrong)


@pytest.mark.parametrize("number", [DEA, "A91234563"])
def test_a_dea_number_names_its_holder_by_a_letter_or_a_nine(number: str) -> None:
    assert is_dea_number(number)


@pytest.mark.parametrize("wrong", ["AB1234564", "ab1234563", "1B1234563", "AB123456", "AB123456٣"])
def test_a_dea_number_that_does_not_check_is_none(wrong: str) -> None:
    assert not is_dea_number(wrong)


@pytest.mark.parametrize(
    ("number", "right"),
    [("12-3456789", True), ("00-1234567", False), ("12-0000000", False), ("123456789", False)],
)
def test_an_ein_begins_as_the_irs_gives_them_out(number: str, right: bool) -> None:  # noqa: FBT001  # a table's column
    assert is_ein(number) is right
