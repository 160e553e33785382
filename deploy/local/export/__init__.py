"""A clinic's export: CSV files of who and what there is, and of what happened to each visit.

`README.md` beside the shipped files (`deploy/local/clinic/`) says what every column means. This
package reads a folder of such files; it never guesses, and it says what is wrong in words, with
file, line and column. It starts nothing and knows no service.
"""

from __future__ import annotations

from deploy.local.export.clinic import BadExport, read_clinic
from deploy.local.export.records import Clinic
from deploy.local.export.rows import Problem

__all__ = ["BadExport", "Clinic", "Problem", "read_clinic"]
