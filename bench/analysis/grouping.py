"""Group stored runs by setup, condition, cell or method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.analysis.columns import CELL, ROW, SETUP_COLUMNS, CellKey, Condition, Setup

if TYPE_CHECKING:
    import pandas as pd


def records_of(runs: pd.DataFrame, columns: list[str]) -> list[tuple[Any, ...]]:
    """Return the values of the given columns, one tuple per line."""
    return list(runs[columns].itertuples(index=False, name=None))


def group_by(runs: pd.DataFrame, columns: list[str]) -> dict[tuple[Any, ...], pd.DataFrame]:
    """Group stored runs by the given columns, sorted by their values; an empty frame needs no columns."""
    if runs.empty:
        return {}
    return {records_of(group, columns)[0]: group for _, group in runs.groupby(columns)}


def by_setup(runs: pd.DataFrame) -> dict[Setup, pd.DataFrame]:
    """Group stored runs by setup, everything that must be equal within one table."""
    groups = group_by(runs, SETUP_COLUMNS).items()
    return {Setup(**dict(zip(SETUP_COLUMNS, key, strict=True))): group for key, group in groups}


def by_condition(runs: pd.DataFrame) -> dict[Condition, pd.DataFrame]:
    """Group stored runs by noise and test set, from weak to strong noise."""
    groups = {Condition(*key): group for key, group in group_by(runs, ROW).items()}
    return {condition: groups[condition] for condition in sorted(groups, key=Condition.sort_key)}


def by_cell(runs: pd.DataFrame) -> dict[CellKey, pd.DataFrame]:
    """Group stored runs by noise, test set and method, from weak to strong noise."""
    groups = {CellKey(*key): group for key, group in group_by(runs, CELL).items()}
    return {cell: groups[cell] for cell in sorted(groups, key=CellKey.sort_key)}


def by_method(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Group stored runs by method, in alphabetical order."""
    return {method: group for (method,), group in group_by(runs, ["method"]).items()}
