"""What forbids recording how infusions of a drug are coded, or which drug a type gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from services.billing.rules.superbills import words
from services.billing.rules.superbills.codebook import (
    NO_DOSE_IN_UNIT,
    CodeBook,
    DrugCodes,
    is_infusion,
)
from shared.refusals import Broken


def broken_by_coding(codes: DrugCodes, book: CodeBook) -> list[Broken]:
    """Of an infusion's codes each is one, and of the drug's one unit is the drug."""
    return list(_wrong(codes, book))


def _wrong(codes: DrugCodes, book: CodeBook) -> Iterator[Broken]:
    infusions = {
        "push_code": codes.push,
        "first_hour_code": codes.first_hour,
        "further_hour_code": codes.further_hour,
    }
    drugs = {"drug_code": codes.drug, "compounded_code": codes.compounded_drug}
    for field, code in (infusions | drugs).items():
        known = book.services.get(code)
        if code in book.blocked:
            yield replace(words.CODE_BLOCKED, field=field)
        elif known is None:
            yield replace(words.CODE_UNKNOWN, field=field)
        elif not known.is_billable:
            yield replace(words.CODE_NOT_BILLABLE, field=field)
    for field, code in infusions.items():
        if not is_infusion(code):
            yield Broken(
                "no_infusion_code",
                "This is no code of an infusion or a push, such as 96365 or 96374.",
                "CPT: hydration, injections and infusions",
                field,
            )
    for field, code in drugs.items():
        if code not in NO_DOSE_IN_UNIT:
            yield Broken(
                "dose_in_unit",
                "One unit of this code is a dose, and the lines here count none. A coder writes"
                f" such a bill. Without one are {', '.join(sorted(NO_DOSE_IN_UNIT))}.",
                "HCPCS level II: drugs without a code of their own",
                field,
            )
    if codes.place not in book.places:
        yield replace(words.PLACE_UNKNOWN, field="place_of_service")


def broken_by_giving(drug_name: str, book: CodeBook) -> list[Broken]:
    """A type gives a drug that has its codes."""
    if drug_name.lower() in book.drugs:
        return []
    return [
        Broken(
            "drug_not_coded",
            "This drug has no codes on that day. Record them first: POST /drug-codes.",
            "the clinic's code tables, from a day on",
            "drug_name",
        )
    ]
