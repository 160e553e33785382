"""Files of other systems, read record by record: CSV sheets and FHIR bundles.

What is wrong is said with its line and its column, in words, and never with what stood there.
"""

from __future__ import annotations

import json

from services.scheduling.rules.imports.bundles import read_bundle
from services.scheduling.rules.imports.layout import (
    IN_PARTS,
    MAX_RECORDS,
    PATIENT_COLUMNS,
    VISIT_COLUMNS,
    Kind,
    Record,
    no_file,
)
from services.scheduling.rules.imports.sheets import read_sheet
from shared.refusals import Broken


def read_file(kind: Kind, content: str) -> list[Record] | Broken:
    """Every record of a file, or why it cannot be read at all."""
    try:
        match kind:
            case Kind.PATIENTS:
                found = read_sheet(content, "patient", PATIENT_COLUMNS)
            case Kind.APPOINTMENTS:
                found = read_sheet(content, "visit", VISIT_COLUMNS)
            case Kind.FHIR_BUNDLE:
                found = list(read_bundle(json.loads(content)))
    except (ValueError, RecursionError):
        return no_file("json_unreadable", "This is no JSON; export the bundle again.")
    if isinstance(found, Broken):
        return found
    if not 0 < len(found) <= MAX_RECORDS:
        detail = f"A file has 1 to {MAX_RECORDS} records, not {len(found)}; {IN_PARTS}"
        return no_file("import_size", detail)
    return found
