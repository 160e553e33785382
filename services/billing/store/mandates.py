"""Mandates: the texts, which one is in force, who agreed to which, and who takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import BYTEA, TEXT

from services.billing.rules.payments.cards import SetupState
from services.billing.rules.payments.mandates import Way
from services.billing.tables import CardSetup, Mandate, MandateText
from shared.ids import new_id
from shared.messaging import Transaction

TABLE = "mandates"

_IN_FORCE = text(
    """
    SELECT text_id, body, content_sha256 FROM mandate_texts
     WHERE effective_from <= :on ORDER BY effective_from DESC, text_id DESC LIMIT 1
    """
)

_LOCK_TEXTS = text("LOCK TABLE mandate_texts IN SHARE ROW EXCLUSIVE MODE")
_NEXT_TEXT = text("SELECT coalesce(max(text_id), 0) + 1 FROM mandate_texts")

_LOCK_SETUP = text(
    """
    SELECT s.state, s.text_id,
           EXISTS (SELECT FROM mandates AS m WHERE m.setup_id = s.setup_id) AS is_known
      FROM card_setups AS s
     WHERE s.setup_id = :setup_id AND s.patient_id = :patient_id FOR UPDATE OF s
    """
)

_KEEP = text(
    """
    INSERT INTO mandates (mandate_id, patient_id, setup_id, text_id, way, taken_by, ip, agreed_at)
    VALUES (:mandate_id, :patient_id, :setup_id, :text_id, :way, :taken_by, :ip, :at)
    """
).bindparams(bindparam("taken_by", type_=TEXT), bindparam("ip", type_=BYTEA))

_LOCK = text(
    "SELECT withdrawn_at FROM mandates"
    " WHERE mandate_id = :mandate_id AND patient_id = :patient_id FOR UPDATE"
)

_WITHDRAW = text(
    "UPDATE mandates SET withdrawn_at = :at, withdrawn_by = :by WHERE mandate_id = :mandate_id"
)

_CARDS = text(
    """
    SELECT k.stripe_payment_method_id FROM cards AS k JOIN mandates AS m USING (setup_id)
     WHERE m.mandate_id = :mandate_id AND k.gone_at IS NULL
    """
)

_IS_WITHDRAWN = text(
    "SELECT EXISTS (SELECT FROM mandates WHERE setup_id = :setup_id AND withdrawn_at IS NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class TextInForce:
    text_id: int
    body: str
    content_sha256: bytes


async def text_in_force(tx: Transaction, on: date) -> TextInForce | None:
    """What a patient agrees to on a day."""
    row = (await tx.execute(_IN_FORCE, {"on": on})).one_or_none()
    return row and TextInForce(row.text_id, row.body, row.content_sha256)


async def next_text_id(tx: Transaction) -> int:
    """The number of the next text; nobody else records one until the commit."""
    await tx.execute(_LOCK_TEXTS)
    return int((await tx.execute(_NEXT_TEXT)).scalar_one())


@dataclass(frozen=True, slots=True)
class SetupToAgree:
    """A set-up whose row is ours until the commit, and the text that it shows."""

    state: SetupState
    text_id: int
    is_known: bool


async def lock_setup(tx: Transaction, patient_id: UUID, setup_id: UUID) -> SetupToAgree | None:
    of = {"setup_id": setup_id, "patient_id": patient_id}
    row = (await tx.execute(_LOCK_SETUP, of)).one_or_none()
    return row and SetupToAgree(SetupState(row.state), row.text_id, row.is_known)


async def keep(
    tx: Transaction,
    patient_id: UUID,
    setup_id: UUID,
    text_id: int,
    way: Way,
    *,
    taken_by: str | None,
    ip: str | None,
) -> UUID:
    """Write down that a patient agreed, now."""
    mandate_id = new_id()
    await tx.execute(
        _KEEP,
        {
            "mandate_id": mandate_id,
            "patient_id": patient_id,
            "setup_id": setup_id,
            "text_id": text_id,
            "way": way.value,
            "taken_by": taken_by,
            "ip": ip and tx.vault.seal({"ip": ip}, table=TABLE, column="ip", row=mandate_id),
            "at": tx.now,
        },
    )
    return mandate_id


async def lock(tx: Transaction, patient_id: UUID, mandate_id: UUID) -> Any | None:
    """A mandate; its row is ours until the commit."""
    of = {"mandate_id": mandate_id, "patient_id": patient_id}
    return (await tx.execute(_LOCK, of)).one_or_none()


async def withdraw(tx: Transaction, mandate_id: UUID, by: str) -> list[str]:
    """Take a mandate back. Stripe's ids of the cards that it was about and that are still there."""
    await tx.execute(_WITHDRAW, {"mandate_id": mandate_id, "at": tx.now, "by": by})
    return list((await tx.execute(_CARDS, {"mandate_id": mandate_id})).scalars())


async def is_withdrawn(tx: Transaction, setup_id: UUID) -> bool:
    """Whether the patient took the agreement of a set-up back."""
    return bool((await tx.execute(_IS_WITHDRAWN, {"setup_id": setup_id})).scalar_one())


def ip_of(tx: Transaction, mandate_id: UUID, sealed: bytes | None) -> str | None:
    """The address of the browser in which a patient agreed."""
    if sealed is None:
        return None
    return str(tx.vault.open(sealed, table=TABLE, column="ip", row=mandate_id)["ip"])


_MANDATES: Table = Mandate.__table__  # type: ignore[attr-defined]  # every table=True model has one
_TEXTS: Table = MandateText.__table__  # type: ignore[attr-defined]  # as above
_SETUPS: Table = CardSetup.__table__  # type: ignore[attr-defined]  # as above

BY_AGREEMENT = (_MANDATES.c.agreed_at, _MANDATES.c.mandate_id)
BY_TEXT = (_TEXTS.c.text_id,)


def _with_text() -> Select[Any]:
    return (
        select(
            *_MANDATES.c,
            _TEXTS.c.body,
            _TEXTS.c.content_sha256,
            _SETUPS.c.stripe_setup_intent_id,
        )
        .join(_TEXTS, _TEXTS.c.text_id == _MANDATES.c.text_id)
        .join(_SETUPS, _SETUPS.c.setup_id == _MANDATES.c.setup_id)
    )


def mandates_of(patient_id: UUID) -> Select[Any]:
    """A patient's mandates, each with its words."""
    return _with_text().where(_MANDATES.c.patient_id == patient_id)


async def find(tx: Transaction, mandate_id: UUID) -> Any:
    """One mandate with its words, which exists."""
    return (await tx.execute(_with_text().where(_MANDATES.c.mandate_id == mandate_id))).one()


def texts() -> Select[Any]:
    return select(*_TEXTS.c)
