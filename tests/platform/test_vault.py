"""A sealed field opens in its own place and nowhere else, and an error about it says nothing."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest
from asyncpg.pgproto.pgproto import UUID as DriverUUID  # noqa: N811  # not the standard one
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.errors import Poison
from shared.vault import Vault

CANARY = "Testa Canary +1 202-555-0147"
ROW, OTHER = UUID(int=1), UUID(int=2)


def key(byte: bytes) -> str:
    return base64.b64encode(byte * 32).decode()


OLD = Vault(f"k1:{key(b'1')}")
BOTH = Vault(f"k2:{key(b'2')},k1:{key(b'1')}")
NEW = Vault(f"k2:{key(b'2')}")
PLACE: dict[str, Any] = {"table": "patients", "column": "contact", "row": ROW}

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
fields = st.dictionaries(text, st.one_of(st.none(), st.booleans(), text), max_size=5)
names = st.from_regex(r"[a-z_]{1,20}", fullmatch=True)


@given(value=fields, table=names, column=names, row=st.uuids())
def test_what_is_sealed_opens_in_its_place(
    value: dict[str, Any], table: str, column: str, row: UUID
) -> None:
    sealed = BOTH.seal(value, table=table, column=column, row=row)
    assert BOTH.open(sealed, table=table, column=column, row=row) == value


@given(there=st.tuples(names, names, st.uuids()))
def test_what_is_sealed_opens_in_no_other_place(there: tuple[str, str, UUID]) -> None:
    table, column, row = there
    assume(there != ("patients", "contact", ROW))
    sealed = BOTH.seal({"name": CANARY}, **PLACE)
    with pytest.raises(Poison) as refused:
        BOTH.open(sealed, table=table, column=column, row=row)
    assert refused.value.code == "sealed_value"
    assert "Canary" not in str(refused.value) + repr(refused.value.__context__)


@pytest.mark.parametrize("there", [{"table": "visits"}, {"column": "address"}, {"row": OTHER}])
def test_another_table_column_or_row_is_enough_not_to_open(there: dict[str, Any]) -> None:
    with pytest.raises(Poison, match="sealed_value"):
        BOTH.open(BOTH.seal({"name": CANARY}, **PLACE), **PLACE | there)


@given(position=st.integers(min_value=0), flip=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_value_is_refused_and_not_half_read(
    position: int, flip: int, *, cut: bool
) -> None:
    sealed = bytearray(BOTH.seal({"name": CANARY}, **PLACE))
    at = position % len(sealed)
    if cut:
        del sealed[at:]
    else:
        sealed[at] ^= flip
    with pytest.raises(Poison) as refused:
        BOTH.open(bytes(sealed), **PLACE)
    assert refused.value.code in {"sealed_format", "sealed_key", "sealed_value"}
    assert "Canary" not in str(refused.value)


@given(st.binary(max_size=80))
def test_what_is_no_envelope_is_refused(noise: bytes) -> None:
    with pytest.raises(Poison):
        BOTH.open(noise, **PLACE)


def test_an_id_as_the_database_driver_brings_it_can_be_sealed() -> None:
    sealed = BOTH.seal({"plan": DriverUUID(str(ROW))}, **PLACE)
    assert BOTH.open(sealed, **PLACE) == {"plan": str(ROW)}


def test_what_is_no_json_is_not_sealed_and_not_quoted() -> None:
    with pytest.raises(TypeError) as refused:
        BOTH.seal({"name": CANARY.encode()}, **PLACE)
    assert "Canary" not in str(refused.value)


def test_nothing_of_the_value_shows_in_the_row_and_equal_values_look_different() -> None:
    first, second = BOTH.seal({"name": CANARY}, **PLACE), BOTH.seal({"name": CANARY}, **PLACE)
    assert b"Canary" not in first
    assert first != second


def test_the_newest_key_seals_the_older_opens_and_resealing_brings_it_forward() -> None:
    sealed = OLD.seal({"name": CANARY}, **PLACE)
    assert sealed.startswith(OLD.mark)
    assert not sealed.startswith(BOTH.mark)
    forward = BOTH.reseal(sealed, **PLACE)
    assert forward.startswith(BOTH.mark)
    assert NEW.open(forward, **PLACE) == {"name": CANARY}
    with pytest.raises(Poison, match="sealed_key"):
        NEW.open(sealed, **PLACE)
    with pytest.raises(Poison, match="sealed_value"):
        BOTH.reseal(sealed, **PLACE | {"row": OTHER})


def test_a_key_id_moved_onto_another_key_does_not_open() -> None:
    swapped = Vault(f"k1:{key(b'9')}")
    with pytest.raises(Poison, match="sealed_value"):
        swapped.open(OLD.seal({"name": CANARY}, **PLACE), **PLACE)


def test_a_value_relabelled_with_another_key_id_does_not_open_even_under_equal_keys() -> None:
    twins = Vault(f"k1:{key(b'1')},k2:{key(b'1')}")
    sealed = twins.seal({"name": CANARY}, **PLACE)
    with pytest.raises(Poison, match="sealed_value"):
        twins.open(sealed.replace(b"k1", b"k2", 1), **PLACE)


def test_what_is_said_is_found_by_every_key_that_is_configured() -> None:
    newest, older = BOTH.fingerprints(CANARY.encode(), purpose="people")
    assert OLD.fingerprints(CANARY.encode(), purpose="people") == [older]
    assert NEW.fingerprints(CANARY.encode(), purpose="people") == [newest]
    assert newest.startswith(BOTH.mark)
    assert len({newest[-32:], older[-32:]}) == 2, "two keys, nothing in common"


def test_a_fingerprint_says_nothing_of_the_same_for_another_purpose() -> None:
    [one] = OLD.fingerprints(CANARY.encode(), purpose="people")
    [other] = OLD.fingerprints(CANARY.encode(), purpose="places")
    assert one != other
    assert CANARY.encode() not in one
