"""A contract for import-linter: default deny for what comes from outside."""

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class PackagesContract(Contract):
    """Each module imports only the packages that are named for it, or for a package above it.

    Configuration options:

        - packages:   Lines of a module and the packages that may be imported in it and below it.
        - restricted: Modules of the standard library that have to be named, too. The others need
                      not be.

    Notes
    -----
    Imports count wherever they stand, in functions and for type checkers too.
    """

    type_name = "packages"

    packages = fields.ListField(subfield=fields.StringField())
    restricted = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look for imports of what is not named, and for names that nothing imports."""
        del verbose
        named: dict[str, set[str]] = {}
        for line in self.packages:  # type: ignore[attr-defined]
            module, _, packages = line.partition(":")
            named[module.strip()] = set(packages.split())
        free = sys.stdlib_module_names - self.restricted  # type: ignore[operator]
        external = {name for name in graph.modules if graph.is_module_squashed(name)}
        used: set[tuple[str, str]] = set()
        refused = []
        for package in sorted(external - free):
            for module in sorted(graph.find_modules_that_directly_import(package)):
                rooms = [room for room in _above(module) if package in named.get(room, ())]
                used |= {(room, package) for room in rooms}
                if not rooms:
                    refused.append(f"{module} imports {package}")
        unused = [
            f"{room}: {package} is named, and not imported"
            for room, packages in named.items()
            for package in sorted(packages)
            if (room, package) not in used
        ]
        problems = [*refused, *unused]
        return ContractCheck(kept=not problems, metadata={"problems": problems})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print what was found."""
        problems: Any = check.metadata["problems"]
        for problem in problems:
            output.print_error(f"  {problem}")


def _above(module: str) -> list[str]:
    """Return a module and the packages that hold it."""
    parts = module.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]
