"""Names of earlier jobs, resolved with the journal: alone, or in an order's values.

`last` and `last~N` name the newest tasks of this machine. A person names a video or a
sound by the id of the task that made it, or by its own. Its duration is in the journal
too, and so is what a session has found.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kling_cli import catalogue
from kling_cli.api import Output
from kling_cli.catalogue import Field, Product, fit_video_duration, is_url
from kling_cli.errors import UsageError
from kling_cli.jobs.order import Order
from kling_cli.settings import Settings
from kling_cli.store import FILE_NAME, JobRecord, Journal

_LAST_NAME = re.compile(r"last(?:~([0-9]{1,9}))?")
_KINDS = {"video": "a video", "audio": "a sound"}


@dataclass(frozen=True, slots=True)
class JobHistory:
    """The jobs in the journal, newest first."""

    records: tuple[JobRecord, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> JobHistory:
        """Return the journal's jobs; a journal that does not exist is not created.

        Raises:
            JournalError: it cannot be read.
        """
        if not (settings.state_dir / FILE_NAME).is_file():
            return cls()
        with Journal.open(settings.state_dir) as journal:
            return cls(tuple(journal.newest_jobs(sys.maxsize)))

    def job(self, name: str) -> JobRecord | None:
        """Return the job with this task id, session id or external id."""
        named = (each for each in self.records if name in (each.task_id, each.key))
        return next(named, None)

    def seconds_of(self, output_id: str | None) -> float | None:
        """Return the duration of an output; None if the journal does not have it."""
        outputs = (output for each in self.records for output in each.outputs)
        return next(
            (each.duration_s for each in outputs if output_id and each.id == output_id),
            None,
        )

    def video_seconds(self, session_id: str | None) -> float | None:
        """Return the duration of a session's video, if the journal has it."""
        record = self.job(session_id) if session_id else None
        if record is None:
            return None
        videos = [one for one in record.outputs if one.type == "video"]
        if videos:
            return videos[0].duration_s
        return self.seconds_of(json.loads(record.request).get("video_id"))


SANDBOX_ENDED_HINT = "the sandbox of its command has ended, and its tasks with it"


def list_command(settings: Settings) -> str:
    """Return the command that lists the tasks of this machine or of its sandboxes."""
    return "kling list --sandbox" if settings.is_sandbox else "kling list"


def last_offset(name: str) -> int | None:
    """Return 0 for `last`, N for `last~N`, and None for an id."""
    found = _LAST_NAME.fullmatch(name.strip())
    return None if found is None else int(found[1] or 0)


def newest_task(journal: Journal, name: str, settings: Settings) -> JobRecord:
    """Return the submitted job that `last` or `last~N` names, for this API base.

    The sandbox of a single command has another address each time, so there every job
    counts.

    Raises:
        UsageError: there are fewer jobs.
    """
    back = last_offset(name)
    assert back is not None  # noqa: S101 -- the caller has looked
    records = journal.submitted_jobs(
        back + 1,
        api_base=None if settings.is_sandbox else settings.api_base,
        without=catalogue.step_names(),
    )
    if back < len(records):
        return records[back]
    count = len(records)
    known = f"only {count} task{'s' * (count != 1)}" if count else "no task"
    raise UsageError(
        f"{name}: this machine knows {known}"
        f"{'' if settings.is_sandbox else f' of {settings.api_base}'}",
        hint=list_command(settings),
    )


def resolve_task_name(name: str, settings: Settings) -> str:
    """Return the id that a person means by `name`: itself, or that of a `last` task.

    Raises:
        UsageError: there is no such task.
        JournalError: the journal cannot be read.
    """
    if last_offset(name) is None:
        return name
    if not settings.is_sandbox:
        settings.require("api_base", "region")
    if not (settings.state_dir / FILE_NAME).is_file():
        raise UsageError(
            f"{name}: no task has been made on this machine yet",
            hint=list_command(settings),
        )
    with Journal.open(settings.state_dir) as journal:
        record = newest_task(journal, name, settings)
    return record.task_id or record.external_id


def resolve_references(order: Order, settings: Settings) -> Order:
    """Return the order with the ids of outputs in place of the tasks that made them.

    Raises:
        UsageError: a task is named that has not made what is needed.
        JournalError: the journal cannot be read.
    """
    product = catalogue.load_description(order.product)
    values = dict(_ids_by_field(product, order.values))
    names = [each for each in product.fields if each.id_of and each.name in values]
    use = product.session
    if not names and (use is None or not use.video_durations):
        return replace(order, values=values)
    history = JobHistory.of(settings)
    for field in names:
        typed = str(values[field.name])
        name = resolve_task_name(typed, settings)
        values[field.name] = _output_id(field, name, product, history)
    if use is not None:
        video_s = history.video_seconds(values.get(use.session_field))
        values = fit_video_duration(use, values, video_s)
    return replace(order, values=values)


def _ids_by_field(
    product: Product, values: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Yield the values; of a field that takes a URL or an id, an id as its id field."""
    id_fields = {each.name: each.id_field for each in product.fields if each.id_field}
    for name, value in values.items():
        is_id = name in id_fields and not is_url(str(value))
        yield (id_fields[name] or name) if is_id else name, value


def _output_id(field: Field, value: str, product: Product, history: JobHistory) -> str:
    """Return the id of the task's only output of the field's kind, or the value."""
    spelling = _spelling(field, product)
    record = history.job(value)
    if record is None:
        if value.isdecimal() or not _may_be_url(field, product):
            return value
        raise UsageError(
            f"{spelling} {value[:200]}: neither a URL nor an id",
            hint="a local file cannot be sent: put it where Kling can fetch it",
        )
    found = [one for one in record.outputs if one.type == field.id_of and one.id]
    if len(found) == 1:
        return str(found[0].id)
    raise _not_one_output_error(spelling, record, found, str(field.id_of))


def _not_one_output_error(
    spelling: str, record: JobRecord, found: list[Output], kind: str
) -> UsageError:
    value = record.task_id or record.external_id
    wanted = _KINDS.get(kind, kind)
    if found:
        ids = ", ".join(str(each.id) for each in found)
        return UsageError(
            f"{spelling} {value}: task {value} has made {len(found)} of them",
            hint=f"give the id of one: {ids}",
        )
    if not record.stage.is_open:
        return UsageError(
            f"{spelling} {value}: that task ({record.product}, {record.stage}) has not "
            f"made {wanted}",
            hint="kling list",
        )
    return UsageError(
        f"{spelling} {value}: task {value} has not made {wanted} yet",
        hint=f"kling wait {value}, or kling status {value}",
    )


def _may_be_url(field: Field, product: Product) -> bool:
    """Return whether the value was typed for a field that takes a URL as well."""
    return any(each.id_field == field.name for each in product.fields)


def _spelling(field: Field, product: Product) -> str:
    """Return the option of the field, or of the field whose ids it takes."""
    leading = (each for each in product.fields if each.id_field == field.name)
    return next(leading, field).spelling
