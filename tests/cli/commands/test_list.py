from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kling_cli.api.tasks import TaskStatus
from kling_cli.cli.commands.list import (
    STATES,
    ListOptions,
    filter_jobs,
    parse_remote_filter,
)
from kling_cli.cli.options.values import parse_time
from kling_cli.cli.output.views import jobs as report
from kling_cli.cli.output.views.jobs import plain_job_table
from kling_cli.errors import UsageError
from kling_cli.jobs.account_tasks import TaskFilter
from kling_cli.store.journal import Journal
from kling_cli.store.records import JobRecord, Stage, State
from tests.cli.output.examples import CREATED, FILE, TASK_ID
from tests.support.kling import Kling

NOW = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)


def a_record(  # noqa: PLR0913 -- one for each fact that is chosen by
    name: str = TASK_ID,
    *,
    stage: Stage = Stage.SUCCEEDED,
    product: str = "text2video",
    ago: timedelta = timedelta(0),
    paths: tuple[str, ...] = (FILE,),
    prompt: str = "A boat",
) -> JobRecord:
    is_unsent = stage in (Stage.SENDING, Stage.REFUSED, Stage.ABSENT)
    return JobRecord(
        external_id=f"kling-{name}",
        task_id=None if is_unsent else name,
        command=product,
        product=product,
        model="kling-3.0-turbo",
        route="new",
        query_path="/tasks",
        api_base="http://127.0.0.1:9",
        request=json.dumps({"prompt": prompt}),
        stage=stage,
        units=4.0 if stage is Stage.SUCCEEDED else None,
        written_at=NOW - ago,
        created_at=CREATED,
        paths=paths if stage is Stage.SUCCEEDED else (),
    )


ENTRIES = [
    a_record("4", stage=Stage.SENDING),
    a_record("3", stage=Stage.PROCESSING, ago=timedelta(hours=1)),
    a_record("2", product="image2video", ago=timedelta(hours=3)),
    a_record("1", stage=Stage.FAILED, ago=timedelta(days=3), prompt="Two CATS"),
]
REFUSED = a_record("5", stage=Stage.REFUSED, product="image")


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        pytest.param(ListOptions(), ["4", "3", "2", "1"], id="everything"),
        pytest.param(ListOptions(status="unknown"), ["4"], id="not settled"),
        pytest.param(ListOptions(status="failed"), ["1"], id="status"),
        pytest.param(ListOptions(product="image2video"), ["2"], id="product"),
        pytest.param(ListOptions(since="2h"), ["4", "3"], id="hours"),
        pytest.param(ListOptions(since="2026-10-04"), ["4", "3", "2"], id="a date"),
        pytest.param(ListOptions(search="cat"), ["1"], id="text of the prompt"),
        pytest.param(ListOptions(search="KLING-2"), ["2"], id="text of an id"),
        pytest.param(ListOptions(search=".mp4"), ["2"], id="text of a file's name"),
        pytest.param(ListOptions(limit=2), ["4", "3"], id="limit"),
        pytest.param(ListOptions(limit=0), ["4", "3", "2", "1"], id="no limit"),
        pytest.param(ListOptions(since="2d", limit=1), ["4"], id="filter before limit"),
    ],
)
def test_filters_choose_lines(chosen: ListOptions, ids: list[str]) -> None:
    found = filter_jobs(ENTRIES, chosen, NOW)

    assert [entry.external_id for entry in found] == [f"kling-{one}" for one in ids]


def test_a_filter_says_what_to_look_for_in_the_account() -> None:
    chosen = ListOptions(
        status="failed", product="image", kind="try-on", since="2h", limit=5
    )

    assert parse_remote_filter(chosen, NOW) == TaskFilter(
        status=TaskStatus.FAILED,
        product="image",
        kind="try_on",
        since=NOW - timedelta(hours=2),
        limit=5,
    )
    with pytest.raises(UsageError, match="--status done"):
        parse_remote_filter(ListOptions(status="done"), NOW)


def test_a_word_that_is_no_status_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError) as caught:
        filter_jobs(ENTRIES, ListOptions(status="done"), NOW)

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
    assert parse_time(text, NOW) == moment


@pytest.mark.parametrize("text", ["yesterday", "", "99999999999d", "2026-13-01"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        parse_time(text, NOW)


@pytest.mark.parametrize("stage", Stage, ids=[stage.value for stage in Stage])
def test_every_state_that_is_shown_can_be_asked_for(stage: Stage) -> None:
    entry = a_record(stage=stage)
    [piped] = plain_job_table([entry])
    _, drawn = report.job_table([entry], NOW, style=lambda text, _: text, width=200)
    word = piped.split()[1]

    assert filter_jobs([entry], ListOptions(status=word), NOW) == [entry]
    assert filter_jobs([entry], ListOptions(status=entry.state.value), NOW) == [entry]
    assert entry.state.value in drawn
    assert word in STATES


def test_the_account_has_nothing_that_was_not_submitted() -> None:
    with pytest.raises(UsageError, match="not-submitted"):
        parse_remote_filter(ListOptions(status="not submitted"), NOW)


def test_lines_for_a_pipe_are_whole_and_without_a_heading() -> None:
    rows = list(plain_job_table([ENTRIES[0], REFUSED, ENTRIES[2]]))

    assert [" ".join(row.split()) for row in rows] == [
        "2026-10-04T12:00:00Z unknown kling-4 text2video kling-3.0-turbo - - A boat",
        "2026-10-04T12:00:00Z not-submitted kling-5 image kling-3.0-turbo - - A boat",
        f"2026-10-04T09:00:00Z succeeded 2 image2video kling-3.0-turbo 4 {FILE} A boat",
    ]
    assert list(plain_job_table([])) == []


def test_a_terminal_of_any_width_has_states_and_whole_ids() -> None:
    entries = [a_record(prompt="A paper boat on a street " * 9), REFUSED]

    for width in range(50, 200):
        lines = list(
            report.job_table(entries, NOW, style=lambda text, _: text, width=width)
        )

        assert max(map(len, lines)) <= width
        assert TASK_ID in lines[1]
        assert "not submitted  kling-5" in lines[2]
    assert "files" in lines[0]
    assert lines[1].startswith("now ")


def test_states_are_coloured_one_by_one() -> None:
    entries = [a_record(stage=stage) for stage in Stage]
    lines = report.job_table(
        entries, NOW, style=lambda text, color: f"<{color}>{text}", width=99
    )

    colors = [line.split("<")[1].split(">")[0] for line in list(lines)[1:]]

    assert dict(zip([entry.state for entry in entries], colors, strict=True)) == {
        State.UNKNOWN: "yellow",
        State.SUBMITTED: "cyan",
        State.PROCESSING: "cyan",
        State.SUCCEEDED: "green",
        State.FAILED: "red",
        State.NOT_SUBMITTED: "dim",
    }


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=5), "5m ago"),
        (timedelta(hours=23, minutes=59), "23h ago"),
        (timedelta(days=6), "6d ago"),
        (timedelta(days=7), "2026-09-27"),
    ],
)
def test_ages_are_short(ago: timedelta, words: str) -> None:
    assert report.format_age(NOW - ago, NOW) == words


def test_words_from_the_journal_are_harmless() -> None:
    rows = list(plain_job_table([a_record("\x1b[2J")]))

    assert "\\x1b[2J" in rows[0]


@pytest.fixture
def journal(kling: Kling) -> Path:
    """Fill the journal of `kling` and return its folder."""
    with Journal.open(kling.state_dir) as open_journal:
        for entry in reversed(ENTRIES):
            open_journal.add_job(entry)
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
def test_what_the_limit_leaves_out_is_said(kling: Kling) -> None:
    result = kling.run("list", "--limit", "3")

    assert len(result.lines) == 3
    assert "more than these 3: --limit 0 shows all" in result.stderr


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


def test_an_empty_journal_says_so_and_what_to_do_next(kling: Kling) -> None:
    empty, narrow = kling.run("list"), kling.run("list", "--search", "boat")

    assert empty.stdout == narrow.stdout == ""
    assert "no task was made on this machine yet" in empty.stderr
    assert "hint: kling text2video" in empty.stderr
    assert "no task of this machine matches" in narrow.stderr
    assert kling.run("list", "--json").json()["tasks"] == []


def test_hints_about_a_sandbox_of_one_command_lead_to_its_tasks(kling: Kling) -> None:
    commands = (["list"], ["wait"], ["open", "zz"], ["status", "zz"])

    ended = [kling.run(*command, "--sandbox") for command in commands]

    listed, waited, opened, asked = (run.stderr for run in ended)
    assert [run.exit_code for run in ended] == [0, 0, 2, 2]
    assert "--remote" not in listed
    assert "hint: kling list --sandbox shows them\n" in waited
    assert "hint: kling list --sandbox\n" in opened
    assert "this sandbox knows no task zz" in asked
    assert "`kling list --sandbox` shows" in asked


def test_kinds_are_the_api_s_alone(kling: Kling) -> None:
    result = kling.run("list", "--kind", "video")

    assert result.exit_code == 2
    assert "--remote" in result.stderr


def test_it_asks_for_no_credentials(kling: Kling) -> None:
    assert kling.run("list", "--status", "done").exit_code == 2
    assert kling.run("list").exit_code == 0
