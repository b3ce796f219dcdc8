"""Letters in cells without a number of ours, and the notes that explain them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis.columns import CellKey
from bench.discovery import listings

if TYPE_CHECKING:
    from bench.analysis.columns import Condition
    from bench.published.reproduction import Reproduction


class BlankCells:
    """Marks each blank cell of a table with a letter, and explains the letters in notes."""

    def __init__(self, reproduction: Reproduction) -> None:
        self.cells = reproduction.cells
        self.conditions = {key.condition for key in self.cells}
        self.entries = listings()
        self.letters: dict[str, str] = {}

    def mark(self, condition: Condition, method: str | None = None) -> str:
        """Return the text of a blank cell, such as ``(a)``, or of a blank row.

        Args:
            condition: condition of the row.
            method: method of the cell; None for the whole row.
        """
        next_letter = chr(ord("a") + len(self.letters))
        return f"({self.letters.setdefault(self._reason(condition, method), next_letter)})"

    def was_tried(self, key: CellKey) -> bool:
        """Check whether a cell was scored or failed."""
        cell = self.cells.get(key)
        return cell is not None and cell.status != "missing"

    def notes(self) -> list[str]:
        """Explain the letters in use, one per line."""
        return [f"({letter}) {reason}." for reason, letter in self.letters.items()]

    def _reason(self, condition: Condition, method: str | None) -> str:
        if method is not None:
            cell = self.cells.get(CellKey(*condition, method))
            if cell is not None and cell.status == "failed":
                return f"failed: {' '.join(cell.error.split())}"
            if method.split(":", maxsplit=1)[0].removesuffix(" (blind)") not in self.entries:
                return "the benchmark has no entry of this name"
        if condition.images not in {each.images for each in self.conditions}:
            return "no run of this reference was scored on this test set"
        return "not among the runs of this reference"
