"""The table `session` of a product file: how it builds on a call made before it."""

from __future__ import annotations

from kling_cli.catalogue.parse_models import pair
from kling_cli.catalogue.session import Fit, Range, SessionUse, StepFacts
from kling_cli.catalogue.table import Table


def session_use(table: Table, fields: frozenset[str]) -> SessionUse:
    """Return what the table says; every field that it names must be there.

    Raises:
        CatalogueError: something is missing, misspelled or refers to nothing.
    """
    made = SessionUse(
        step=table.take("step", str),
        named_by=table.one_of("field", fields),
        noun=table.take("noun", str),
        is_opened_here=table.take("opened_here", bool, default=False),
        choice=table.one_of("choice", fields) if table.has("choice") else None,
        fit=_fit(table.table("fit"), fields) if table.has("fit") else None,
        lengths={
            name: _by_value(Table(data, f"{table.where}.lengths.{name}"))
            for name, data in table.table("lengths").items()
        },
    )
    table.close()
    return made


def step_facts(table: Table) -> StepFacts:
    """Return what the table `step` says of a call that goes before others."""
    made = StepFacts(
        remedy=table.take("remedy", str),
        over=table.find("over", str),
        session_hours=table.find("session_hours", int),
        follows=table.words("next"),
        saves=table.take("saves", bool, default=False),
    )
    table.close()
    return made


def _fit(table: Table, fields: frozenset[str]) -> Fit:
    made = Fit(
        sounds=table.words("sounds"),
        start=table.one_of("start", fields),
        end=table.one_of("end", fields),
        insert=table.one_of("insert", fields),
        overlap_s=table.take("overlap", float),
    )
    table.close()
    return made


def _by_value(table: Table) -> dict[int, Range]:
    spans = dict(table.items())
    again = Table(spans, table.where)
    return {int(value): pair(again, value) for value in spans}
