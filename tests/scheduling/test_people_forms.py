# ruff: noqa: RUF001  # names of every script are what is tried
"""Whoever is registered has a name, an address and an e-mail that somebody can have."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scheduling.conftest import ADDRESS, PATIENT, Clinic
from tests.scheduling.imported import elsewhere, look, person, problems, sheet

__all__ = ["elsewhere"]


async def wrong_with(clinic: Clinic, **fields: Any) -> list[tuple[str, str]]:
    wish = PATIENT | {"same_name_is_another_person": True} | fields
    answer = await clinic.send("/patients", wish)
    if answer.status_code == 201:
        return []
    assert answer.status_code == 422, answer.text
    violations = answer.json()["violations"]
    assert all("right would be" in each["detail"] and each["source"] for each in violations)
    return [(each["rule"], each["field"]) for each in violations]


@pytest.mark.parametrize(
    "name",
    [
        *("O'Canary", "D’Canary", "Canary-Madeup", "St. Canary", "Canary, Jr.", "Canary 3rd"),
        *("Nguyễn", "Žižek-Ćanary", "Ñandú", "Ó Canáire", "ʻŌkina", "M", "van der Canary"),
        *(
            "金絲雀",
            "カナリア・テスタ",
            "카나리아",
            "Канарейка",
            "Καναρίνι",
            "Կանարի",
            "Канарейко-Тест",
        ),
        *("כנרית", "ג׳ורג׳", "كناري", "عبد\u200cالله", "कैनरी", "கேனரி", "นกคีรีบูน", "ካናሪ"),
        *('Testa "Tess"', "Testa (Tess)", "Testa/Tess", "Can·ary"),
    ],
)
async def test_a_name_of_any_script_is_taken_as_it_is_written(clinic: Clinic, name: str) -> None:
    assert await wrong_with(clinic, last_name=name) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        *((name, "name_without_letters") for name in ("1234", "😀", "-", "...", "'", "½", "①")),
        *((name, "name_with_signs") for name in ("Testa 😀", "Test<b>", "a@b", "T€sta", "A=B")),
        *((name, "name_with_signs") for name in ("Testa; Canary", "Testa_1", "*Testa*", "#Testa")),
    ],
)
async def test_what_nobody_is_called_is_refused_with_what_would_be_right(
    clinic: Clinic, name: str, rule: str
) -> None:
    for field in ("first_name", "last_name"):
        assert await wrong_with(clinic, **{field: name}) == [(rule, field)]
    path = f"/patients/{await clinic.patient()}"
    answer = await clinic.send(path, {"first_name": name}, method="PATCH")
    assert answer.status_code == 422
    assert answer.json()["violations"][0]["detail"].count(name) == 0 or len(name) < len("1234")


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        *(("state", state, "string_pattern_mismatch") for state in ("ZZ", "XX", "AB")),
        *(("postal_code", code, "unknown_zip") for code in ("00000", "00500", "99999-0000")),
    ],
)
async def test_an_address_that_the_post_does_not_know_is_refused(
    clinic: Clinic, field: str, value: str, rule: str
) -> None:
    wrong = ADDRESS | {field: value}
    assert await wrong_with(clinic, address=wrong) == [(rule, f"address.{field}")]
    answer = await clinic.send(
        f"/locations/{clinic.location_id}", {"address": wrong}, method="PATCH"
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("state", "code"), [("PR", "00501"), ("AE", "09012-0001"), ("AK", "99950")]
)
async def test_whoever_the_post_reaches_is_taken(clinic: Clinic, state: str, code: str) -> None:
    assert await wrong_with(clinic, address=ADDRESS | {"state": state, "postal_code": code}) == []


@pytest.mark.parametrize(
    "email",
    [
        *("a@b..c", "a@b.c", ".a@example.test", "a.@example.test", "a..b@example.test"),
        *("a@-example.test", "a@example-.test", "a@example.test.", "a@.example.test"),
        *("a@exa_mple.test", "a@example.12", "a@1.2.3.4", "a,b@example.test", "<a@example.test>"),
    ],
)
async def test_an_address_that_no_mail_reaches_is_refused(clinic: Clinic, email: str) -> None:
    assert await wrong_with(clinic, email=email) == [("email_form", "email")]


@pytest.mark.parametrize(
    "email",
    [
        *("a@example.test", "testa.canary+clinic@mail.example.test", "o'canary@example.test"),
        *("testa_canary@example.museum", "名@例え.テスト", "a@xn--r8jz45g.test", "x@1and1.test"),
    ],
)
async def test_an_address_that_mail_may_reach_is_taken(clinic: Clinic, email: str) -> None:
    assert await wrong_with(clinic, email=email) == []


async def test_a_file_names_the_column_of_each(elsewhere: Clinic) -> None:
    rows = [
        person(1, first_name="1234"),
        person(2, last_name="Testa 😀"),
        person(3, state="ZZ"),
        person(4, postal_code="00000"),
        person(5, email="a@b..c"),
        person(6),
    ]
    found = await look(elsewhere, "patients", sheet(rows))
    assert await problems(elsewhere, found) == [
        (2, "first_name", "import_column"),
        (3, "last_name", "import_column"),
        (4, "state", "import_column"),
        (5, "postal_code", "import_column"),
        (6, "email", "import_column"),
    ]
