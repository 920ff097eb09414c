from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kling_cli.api.task import TaskStatus
from kling_cli.cli.list import Filter, moment_of, select, table, wanted_of
from kling_cli.errors import UsageError
from kling_cli.jobs.entry import Entry, Stage
from kling_cli.jobs.journal import Journal
from kling_cli.jobs.remote import Wanted
from tests.cli.examples import CREATED, FILE, TASK_ID
from tests.support.kling import Kling

NOW = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)


def an_entry(
    name: str = TASK_ID,
    *,
    stage: Stage = Stage.SUCCEEDED,
    product: str = "text2video",
    ago: timedelta = timedelta(0),
    paths: tuple[str, ...] = (FILE,),
) -> Entry:
    return Entry(
        external_id=f"kling-{name}",
        task_id=None if stage is Stage.SENDING else name,
        command=product,
        product=product,
        model="kling-3.0-turbo",
        route="new",
        query_path="/tasks",
        api_base="http://127.0.0.1:9",
        request="{}",
        stage=stage,
        units=4.0 if stage is Stage.SUCCEEDED else None,
        written_at=NOW - ago,
        created_at=CREATED,
        paths=paths if stage is Stage.SUCCEEDED else (),
    )


ENTRIES = [
    an_entry("4", stage=Stage.SENDING),
    an_entry("3", stage=Stage.PROCESSING, ago=timedelta(hours=1)),
    an_entry("2", product="image2video", ago=timedelta(hours=3)),
    an_entry("1", stage=Stage.FAILED, ago=timedelta(days=3)),
]


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        pytest.param(Filter(), ["4", "3", "2", "1"], id="everything"),
        pytest.param(Filter(status="unknown"), ["4"], id="not settled"),
        pytest.param(Filter(status="failed"), ["1"], id="status"),
        pytest.param(Filter(product="image2video"), ["2"], id="product"),
        pytest.param(Filter(since="2h"), ["4", "3"], id="hours"),
        pytest.param(Filter(since="2026-10-04"), ["4", "3", "2"], id="a date"),
        pytest.param(Filter(limit=2), ["4", "3"], id="limit"),
        pytest.param(Filter(limit=0), ["4", "3", "2", "1"], id="no limit"),
        pytest.param(Filter(since="2d", limit=1), ["4"], id="filter before limit"),
    ],
)
def test_filters_choose_lines(chosen: Filter, ids: list[str]) -> None:
    found = select(ENTRIES, chosen, NOW)

    assert [entry.external_id for entry in found] == [f"kling-{one}" for one in ids]


def test_a_filter_says_what_to_look_for_in_the_account() -> None:
    chosen = Filter(
        status="failed", product="image", kind="try-on", since="2h", limit=5
    )

    assert wanted_of(chosen, NOW) == Wanted(
        status=TaskStatus.FAILED,
        product="image",
        kind="try_on",
        since=NOW - timedelta(hours=2),
        limit=5,
    )
    with pytest.raises(UsageError, match="--status done"):
        wanted_of(Filter(status="done"), NOW)


def test_a_word_that_is_no_status_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError) as caught:
        select(ENTRIES, Filter(status="done"), NOW)

    assert "succeeded" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-10-04T10:00", NOW - timedelta(hours=2)),
        ("2026-10-04T12:00+02:00", NOW - timedelta(hours=2)),
    ],
)
def test_times_are_ago_or_in_utc(text: str, moment: datetime) -> None:
    assert moment_of(text, NOW) == moment


@pytest.mark.parametrize("text", ["yesterday", "", "99999999999d", "2026-13-01"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        moment_of(text, NOW)


def test_lines_are_in_columns_without_a_heading_when_piped() -> None:
    rows = list(table(ENTRIES[:1] + ENTRIES[2:3], is_titled=False))

    assert rows == [
        "2026-10-04T12:00:00Z  sending    kling-4  text2video   kling-3.0-turbo  -  -",
        "2026-10-04T09:00:00Z  succeeded  2        image2video  kling-3.0-turbo  4  "
        + FILE,
    ]
    assert next(iter(table(ENTRIES, is_titled=True))).startswith("written ")
    assert list(table([], is_titled=True)) == []


def test_words_from_the_journal_are_harmless() -> None:
    rows = list(table([an_entry("\x1b[2J")], is_titled=False))

    assert "\\x1b[2J" in rows[0]


@pytest.fixture
def journal(kling: Kling) -> Path:
    """Fill the journal of `kling` and return its folder."""
    with Journal.open(kling.state_dir) as open_journal:
        for entry in reversed(ENTRIES):
            open_journal.write_down(entry)
    return kling.state_dir


@pytest.mark.usefixtures("journal")
def test_the_newest_job_is_the_first_line(kling: Kling) -> None:
    result = kling.run("list")

    assert result.exit_code == 0
    assert [line.split()[2] for line in result.lines] == ["kling-4", "3", "2", "1"]
    assert result.stderr == ""


@pytest.mark.usefixtures("journal")
def test_quiet_gives_ids_alone(kling: Kling) -> None:
    assert kling.run("list", "-q", "--limit", "2").stdout == "kling-4\n3\n"


@pytest.mark.usefixtures("journal")
def test_json_gives_the_jobs_with_every_key(kling: Kling) -> None:
    document = kling.run("list", "--json").json()

    assert [task["status"] for task in document["tasks"]] == [
        "unknown",
        "processing",
        "succeeded",
        "failed",
    ]
    assert document["tasks"][1]["resume"] == "kling wait 3"


def test_an_empty_journal_is_an_empty_list(kling: Kling) -> None:
    assert kling.run("list").stdout == ""
    assert kling.run("list", "--json").json()["tasks"] == []


def test_kinds_are_the_api_s_alone(kling: Kling) -> None:
    result = kling.run("list", "--kind", "video")

    assert result.exit_code == 2
    assert "--remote" in result.stderr


def test_it_asks_for_no_credentials(kling: Kling) -> None:
    assert kling.run("list", "--status", "done").exit_code == 2
    assert kling.run("list").exit_code == 0
