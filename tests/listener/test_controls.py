from __future__ import annotations

from kling_cli.listener.controls import Controls
from kling_cli.store.records import StoredCallback
from tests.listener.stored_callbacks import a_callback


class FakeForwarder:
    """Records the numbers of submitted callbacks, negative for replays."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def submit(self, callback: StoredCallback, *, is_replay: bool = False) -> None:
        self.numbers.append(-callback.id if is_replay else callback.id)

    async def drain(self, timeout_s: float) -> None:
        """Return at once."""


def controls(forwarder: FakeForwarder | None) -> Controls:
    return Controls(
        callback_url="http://127.0.0.1:1/callback",
        forwarder=forwarder,
        stop=lambda _reason: None,
    )


def test_callbacks_of_a_pause_are_forwarded_after_it_in_order() -> None:
    forwarder = FakeForwarder()
    keys = controls(forwarder)

    keys.pause()
    keys.forward(a_callback(1))
    keys.forward(a_callback(2))
    before = list(forwarder.numbers)
    keys.resume()
    keys.forward(a_callback(3))

    assert before == []
    assert forwarder.numbers == [1, 2, 3]


def test_the_last_callback_is_replayed_when_there_is_one_and_a_target() -> None:
    forwarder = FakeForwarder()
    keys = controls(forwarder)

    assert not keys.replay_last()
    keys.last_callback = a_callback(7)
    assert keys.replay_last()
    keys.forwarder = None
    assert not keys.replay_last()
    assert forwarder.numbers == [-7]


def test_without_a_target_nothing_is_forwarded() -> None:
    keys = controls(None)

    keys.forward(a_callback(1))
    keys.pause()
    keys.resume()

    assert keys.last_callback is None
