"""What an import leaves to be done: a batch at a time, each of which leaves the next."""

from __future__ import annotations

from uuid import UUID

from shared.messaging.work import Work


class CheckImportBatch(Work):
    import_id: UUID
    batch_no: int


class ApplyImportBatch(Work):
    import_id: UUID
    batch_no: int


class ForgetImport(Work):
    """A file that nobody applied is not kept for good."""

    import_id: UUID
