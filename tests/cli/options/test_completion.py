"""Shell completion from the journal and the catalogue: fast, and safe for a shell."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.tasks import Output
from kling_cli.catalogue.definition import loader
from kling_cli.cli.app import import_command
from kling_cli.cli.command_table import HIDDEN, entries
from kling_cli.cli.commands.trigger import NASTY_SCENARIOS, SCENARIOS
from kling_cli.cli.output.terminal.text import completion_note
from kling_cli.mock import scenarios
from kling_cli.store.journal import Journal
from kling_cli.store.records import Stage
from tests.cli.test_app import HEAVY, loaded_by
from tests.jobs.factories import NOON, a_callback, a_record, a_video
from tests.support.kling import Kling
from tests.support.program import Program

NASTY = 'a $(touch x) `id` \\"; rm -rf \x1b[2J'


def completions(kling: Kling, line: str) -> list[str]:
    """Return the candidates that bash gets for the last word of `line`."""
    words = line.split(" ")
    result = kling.run(
        env={
            "_KLING_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
    )
    assert result.stderr == ""
    return result.lines


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kling text2", ["text2video"]),
        ("kling text2video -m kling-3", ["kling-3.0-turbo", "kling-3.0"]),
        ("kling text2video --resolution ", ["720p", "1080p", "4k"]),
        ("kling text2video --mode ", ["std", "pro", "4k"]),
        ("kling text2video --aspect-ratio 1", ["16:9", "1:1"]),
        ("kling image2video -d 1", ["10"]),
        ("kling text2video --callback ", ["auto", "require", "off"]),
        ("kling text2video --no-s", ["--no-sound"]),
        ("kling list --status s", ["submitted", "succeeded"]),
        ("kling auth log", ["login", "logout"]),
        ("kling events sh", ["show"]),
        ("kling events list --trust t", ["token"]),
    ],
)
def test_the_shell_is_offered_what_fits(
    line: str, offered: list[str], kling: Kling
) -> None:
    assert completions(kling, line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(shell: str, kling: Kling) -> None:
    result = kling.run(
        "--show-completion", shell,
        env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )  # fmt: skip

    assert result.exit_code == 0
    assert "_KLING_COMPLETE" in result.stdout


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a journal with a few jobs and callbacks."""
    monkeypatch.setenv("KLING_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("KLING_CONFIG_DIR", str(tmp_path))
    monkeypatch.delenv("KLING_SANDBOX", raising=False)
    ready = {"stage": Stage.SUCCEEDED}
    voice = Output(type="voice", id="voice1", url=None)
    with Journal.open(tmp_path) as journal:
        for minutes, entry in enumerate(
            [
                a_record("e1", task_id="t1", outputs=(a_video(),), **ready),
                a_record("e2", task_id="t2", stage=Stage.PROCESSING),
                a_record("e3", task_id="a;b"),
                a_record(
                    "e4",
                    task_id="t4",
                    product="custom-voice",
                    outputs=(voice,),
                    request=json.dumps({"voice_name": "Ann"}),
                    **ready,
                ),
                a_record("e5", task_id=None),
            ]
        ):
            request = json.dumps({"contents": [{"type": "prompt", "text": NASTY}]})
            is_own = entry.request != "{}"
            when = NOON.replace(minute=minutes)
            journal.add_job(
                replace(
                    entry,
                    written_at=when,
                    request=entry.request if is_own else request,
                )
            )
        journal.add_callback(a_callback())
    return tmp_path


def offered(
    typed: str, name: str, incomplete: str = "", **params: Any
) -> list[tuple[str, str]]:
    """Return the candidates of a parameter of a command, with their notes."""
    first, *rest = typed.split()
    entry = next(each for each in (*entries(), *HIDDEN) if each.name == first)
    command = import_command(entry)
    for word in rest:
        command = command.commands[word]
    context = command.make_context(typed, [], resilient_parsing=True)
    context.params.update(params)
    [param] = [each for each in command.params if each.name == name]
    found = param.shell_complete(context, incomplete)
    return [(each.value, each.help or "") for each in found]


def values(*args: Any, **params: Any) -> list[str]:
    return [value for value, _ in offered(*args, **params)]


@pytest.mark.usefixtures("state_dir")
@pytest.mark.parametrize(
    ("words", "name", "incomplete", "expected"),
    [
        ("status", "task_ids", "", ["last", "t4", "t2", "t1"]),
        ("download", "task_ids", "t", ["t4", "t2", "t1"]),
        ("wait", "task_ids", "", ["t2"]),
        ("listen", "task_ids", "t1", ["t1"]),
        ("events list", "task_id", "la", ["last"]),
        ("events show", "which", "", ["last", "1"]),
        ("replay", "numbers", "", ["last", "1"]),
        ("lip-sync", "video", "", ["t1"]),
        ("video-extend", "video_id", "", ["v1"]),
        ("text2video", "voices", "", ["voice1"]),
        ("text2video", "voices", "ann=", ["ann=voice1"]),
        ("image2video", "elements", "", []),
        ("list", "product", "text2", ["text2video"]),
        ("models", "name", "kling-3.0-o", ["kling-3.0-omni"]),
        ("trigger", "scenario", "late", ["late-processing"]),
        ("listen", "events", "s", ["submitted", "succeeded"]),
        ("help", "words", "text2", ["text2video"]),
    ],
)
def test_words_of_the_journal_and_the_catalogue_are_offered(
    words: str, name: str, incomplete: str, expected: list[str]
) -> None:
    assert values(words, name, incomplete) == expected


@pytest.mark.usefixtures("state_dir")
def test_help_offers_the_commands_of_a_group() -> None:
    assert values("help", "words", "s", words=["events"]) == ["show"]
    assert values("help", "words", "", words=["list"]) == []


@pytest.mark.usefixtures("state_dir")
def test_a_task_has_its_status_and_prompt_beside_it_without_what_a_shell_acts_on() -> (
    None
):
    notes = dict(offered("status", "task_ids"))

    assert notes["t4"] == "succeeded Ann"
    assert notes["t2"] == "processing a touch x id rm -rf 2J"
    assert "a;b" not in notes
    assert len(completion_note("word " * 99)) == 56


def test_a_sandbox_has_a_journal_of_its_own(state_dir: Path) -> None:
    with Journal.open(state_dir / "sandbox") as journal:
        journal.add_job(a_record(task_id="s1"))

    assert values("status", "task_ids", is_sandbox=True) == ["last", "s1"]


@pytest.mark.parametrize("broken", ["", "not a database"])
def test_without_a_journal_nothing_is_offered_and_nothing_made(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLING_STATE_DIR", str(tmp_path))
    if broken:
        (tmp_path / "journal.db").write_text(broken)

    assert values("status", "task_ids") == []
    assert values("events show", "which") == []
    assert len(list(tmp_path.iterdir())) == bool(broken)


def test_every_scenario_and_every_model_is_known_without_loading_them() -> None:
    parsed = {model.id for product in loader.all_products() for model in product.models}

    assert (*SCENARIOS, *NASTY_SCENARIOS) == scenarios.scenario_names()
    assert set(loader.model_labels()) == parsed


@pytest.mark.parametrize(
    "line", ["kling status ", "kling text2video -m ", "kling models ", "kling text2v"]
)
def test_a_completion_with_notes_loads_nothing_heavy(
    line: str, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_KLING_COMPLETE", "complete_zsh")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)

    code, modules = loaded_by()

    allowed = {"sqlite3"} if "status" in line else set()
    assert code == 0
    assert modules & set(HEAVY) <= allowed
    assert not any(name.startswith("rich.") for name in modules)
    assert not any(name.startswith("kling_cli.api") for name in modules)


def test_completion_without_a_shell_that_has_it_is_wrong_usage(kling: Kling) -> None:
    command = shlex.join(kling.command("--install-completion"))

    with Program(
        ("sh", "-c", f"{command}; exit $?"), env=kling.env, cwd=kling.here
    ) as shell:
        result = shell.finish()

    kling.results.append(result)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "completion is there for bash, zsh, fish" in result.stderr


def test_completion_that_cannot_be_written_names_the_place(kling: Kling) -> None:
    command = shlex.join(kling.command("--install-completion"))
    env = {**kling.env, "HOME": "/proc/no-such-home"}

    with Program(
        ("bash", "-c", f"{command}; exit $?"), env=env, cwd=kling.here
    ) as shell:
        result = shell.finish()

    kling.results.append(result)
    assert result.exit_code == 2
    assert "/proc/no-such-home" in result.stderr
    assert "hint: set HOME" in result.stderr
