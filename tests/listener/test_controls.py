from __future__ import annotations

from datetime import UTC, datetime

from kling_cli.listener.controls import Controls
from kling_cli.store.records import StoredCallback


class Pile:
    """A forwarder that only takes."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def submit(self, kept: StoredCallback, *, is_replay: bool = False) -> None:
        self.numbers.append(-kept.id if is_replay else kept.id)

    async def drain(self, timeout_s: float) -> None:
        """Have nothing to wait for."""


def a_callback(number: int) -> StoredCallback:
    return StoredCallback(
        id=number,
        received_at=datetime(2026, 10, 4, tzinfo=UTC),
        product=None,
        nonce=None,
        task_id="t1",
        external_id=None,
        status="succeeded",
        trust="token",
        headers=(),
        raw=b"{}",
    )


def controls(pile: Pile | None) -> Controls:
    return Controls(
        callback_url="http://127.0.0.1:1/callback",
        forwards=pile,
        stop=lambda _reason: None,
    )


def test_what_comes_during_a_pause_is_passed_on_after_it_in_order() -> None:
    pile = Pile()
    keys = controls(pile)

    keys.pause()
    keys.pass_on(a_callback(1))
    keys.pass_on(a_callback(2))
    before = list(pile.numbers)
    keys.resume()
    keys.pass_on(a_callback(3))

    assert before == []
    assert pile.numbers == [1, 2, 3]


def test_the_last_callback_is_replayed_when_there_is_one_and_a_target() -> None:
    pile = Pile()
    keys = controls(pile)

    assert not keys.replay_last()
    keys.last = a_callback(7)
    assert keys.replay_last()
    keys.forwards = None
    assert not keys.replay_last()
    assert pile.numbers == [-7]


def test_without_a_target_nothing_is_passed_on() -> None:
    keys = controls(None)

    keys.pass_on(a_callback(1))
    keys.pause()
    keys.resume()

    assert keys.last is None
