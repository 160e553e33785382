"""An import contract of our own: these modules import what is named here and nothing else.

import-linter's contracts name what is forbidden; for rules it is shorter and safer to name what is
allowed. Direct imports only: what an allowed module imports is its own affair.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules


class OnlyContract(Contract):
    """`source_modules` import `allowed_modules`, themselves, and the standard library without
    `impure_modules`: what reads a clock, rolls dice, or reaches out of the process.
    """

    source_modules = fields.SetField(subfield=fields.ModuleExpressionField())
    allowed_modules = fields.SetField(subfield=fields.ModuleExpressionField())
    impure_modules = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001  # import-linter's signature
        allowed = {m.name for m in module_expressions_to_modules(graph, self.allowed_modules)}
        wrong = [
            f"{module} imports {imported} (l.{detail['line_number']})"
            for source in module_expressions_to_modules(graph, self.source_modules)
            for module in sorted({source.name} | graph.find_descendants(source.name))
            for imported in sorted(graph.find_modules_directly_imported_by(module))
            if not _within(imported, allowed | {source.name}) and not self._pure(imported)
            for detail in graph.get_import_details(importer=module, imported=imported)[:1]
        ]
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def _pure(self, imported: str) -> bool:
        return imported in sys.stdlib_module_names and imported not in self.impure_modules

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["wrong"]:
            output.print_error(f"- {line}")


def _within(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
