"""References of an order to earlier jobs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.tasks import Output
from kling_cli.errors import UsageError
from kling_cli.jobs.history import JobHistory, resolve_references
from kling_cli.jobs.order import Order
from kling_cli.settings.settings import Settings, read_settings
from kling_cli.store.database import FILE_NAME
from kling_cli.store.journal import Journal
from kling_cli.store.records import JobRecord, Stage
from tests.jobs.factories import a_record

CLIP = "https://vid.example.com/a.mp4"


def video(output_id: str, seconds: float = 5.041) -> Output:
    return Output(type="video", id=output_id, duration_s=seconds)


def remembered(tmp_path: Path, *records: JobRecord) -> Settings:
    """Return settings whose journal holds these entries."""
    settings = replace(read_settings({}), state_dir=tmp_path)
    with Journal.open(tmp_path) as journal:
        for record in records:
            journal.add_job(record)
    return settings


def done(external_id: str, *outputs: Output, **columns: Any) -> JobRecord:
    return a_record(
        external_id, stage=Stage.SUCCEEDED, outputs=tuple(outputs), **columns
    )


def known(product: str, settings: Settings, **values: Any) -> dict[str, Any]:
    return dict(
        resolve_references(Order(product=product, values=values), settings).values
    )


def test_without_a_journal_nothing_is_known_and_none_is_made(tmp_path: Path) -> None:
    settings = replace(read_settings({}), state_dir=tmp_path)

    assert JobHistory.of(settings) == JobHistory()
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize("name", ["t1", "e1"])
def test_a_task_id_is_replaced_by_that_of_its_only_video(
    name: str, tmp_path: Path
) -> None:
    speech = Output(type="audio", id="77")
    settings = remembered(tmp_path, done("e1", video("101"), speech, task_id="t1"))

    assert known("identify-face", settings, video=name) == {"video_id": "101"}


@pytest.mark.parametrize(
    ("product", "field", "given"),
    [
        ("identify-face", "video", "video_id"),
        ("init-selection", "video", "video_id"),
        ("video-extend", "video_id", "video_id"),
        ("video-to-audio", "video_id", "video_id"),
    ],
)
def test_last_is_replaced_by_the_newest_task_s_video(
    product: str, field: str, given: str, tmp_path: Path
) -> None:
    settings = remembered(tmp_path, done("e1", video("101")), done("e2", video("102")))
    settings = replace(settings, api_base="http://127.0.0.1:1")

    assert known(product, settings, **{field: "last"}) == {given: "102"}
    assert known(product, settings, **{field: "last~1"}) == {given: "101"}
    with pytest.raises(UsageError, match=r"last~2: this machine knows only 2"):
        known(product, settings, **{field: "last~2"})


def test_a_url_stays_one_and_an_id_becomes_one(tmp_path: Path) -> None:
    settings = remembered(tmp_path)

    assert known("identify-face", settings, video=CLIP) == {"video": CLIP}
    assert known("identify-face", settings, video="88") == {"video_id": "88"}


def test_what_is_neither_a_url_nor_an_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"VIDEO talk\.mp4: neither a URL nor an id"):
        known("identify-face", remembered(tmp_path), video="talk.mp4")


def test_a_task_without_a_video_is_waited_for(tmp_path: Path) -> None:
    settings = remembered(tmp_path, a_record("e1", task_id="t1"))

    with pytest.raises(UsageError, match="has not made a video yet") as caught:
        known("identify-face", settings, video="t1")

    assert caught.value.hint
    assert "kling wait t1" in caught.value.hint


def test_a_finished_task_without_a_video_is_not_waited_for(tmp_path: Path) -> None:
    speech = Output(type="audio", id="77", duration_s=3.5)
    settings = remembered(tmp_path, done("e1", speech, task_id="t1"))

    with pytest.raises(
        UsageError, match=r"succeeded\) has not made a video$"
    ) as caught:
        known("identify-face", settings, video="t1")

    assert caught.value.hint == "kling list"


def test_of_several_videos_one_must_be_named(tmp_path: Path) -> None:
    settings = remembered(tmp_path, done("e1", video("101"), video("102")))

    with pytest.raises(UsageError, match="has made 2 of them") as caught:
        known("identify-face", settings, video="e1")

    assert caught.value.hint == "give the id of one: 101, 102"


@pytest.mark.parametrize("product", ["avatar", "lip-sync"])
def test_a_speech_task_is_replaced_by_its_sound(product: str, tmp_path: Path) -> None:
    speech = Output(type="audio", id="77", duration_s=3.5)
    settings = remembered(tmp_path, done("e1", speech, task_id="t1"))

    assert known(product, settings, audio_id="t1") == {"audio_id": "77"}
    assert known(product, settings, audio_id="of-another-machine") == {
        "audio_id": "of-another-machine"
    }
    assert JobHistory.of(settings).seconds_of("77") == 3.5
    assert JobHistory.of(settings).seconds_of("78") is None
    assert JobHistory.of(settings).seconds_of(None) is None


def test_the_length_of_a_selected_video_decides_the_duration(tmp_path: Path) -> None:
    settings = remembered(tmp_path, done("e1", video("1", 10.041), task_id="s1"))

    assert known("multi-elements", settings, session="s1")["duration"] == 10
    assert "duration" not in known("multi-elements", settings, session="s2")
    with pytest.raises(UsageError, match="--duration 5"):
        known("multi-elements", settings, session="s1", duration=5)


def test_a_session_without_a_video_has_no_length(tmp_path: Path) -> None:
    face = Output(type="face", id="0", duration_s=5.0)
    memory = JobHistory.of(remembered(tmp_path, done("e1", face, task_id="s1")))

    assert memory.video_seconds("s1") is None
    assert memory.video_seconds(None) is None


def test_facts_survive_the_journal(tmp_path: Path) -> None:
    face = Output(type="face", id="0", duration_s=5.0, facts={"start_s": 0.2})
    memory = JobHistory.of(remembered(tmp_path, done("e1", face, task_id="s1")))

    record = memory.job("s1")

    assert record is not None
    assert record.outputs == (face,)
