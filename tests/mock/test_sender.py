"""Sends mock callbacks over real connections, in sequence and concurrently."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kling_cli.callbacks.events import Trust
from kling_cli.callbacks.signatures import verify
from kling_cli.clock import SystemClock
from kling_cli.listener.forwarding.delivery import DeliveryFailure, DeliveryOutcome
from kling_cli.listener.forwarding.targets import Target
from kling_cli.listener.ingress.urls import mock_detector
from kling_cli.mock.scenarios import MockDelivery
from kling_cli.mock.sender import MockSigner, delivery_batches, send_batches
from kling_cli.secret import Secret
from tests.support.clock import FakeClock
from tests.support.recorder import recorder

KEY = b"k" * 32
OURS = Secret("whsec_b3VyIG93biBzZWNyZXQgaGVyZQ==")
OTHER = Secret("whsec_dGhlIG90aGVyIHNlY3JldCBub3c=")
PAUSE_S = 3.25


class SkippingClock(SystemClock):
    """A clock that counts the pauses of a scenario instead of waiting."""

    def __init__(self) -> None:
        self.n_pauses = 0

    async def sleep(self, seconds: float) -> None:
        if seconds == PAUSE_S:
            self.n_pauses += 1
        else:
            await super().sleep(seconds)


def a_delivery(number: int = 1, **changes: object) -> MockDelivery:
    facts: dict[str, object] = {
        "raw": b'{"id":"t%d"}' % number,
        "name": "mock",
        "message_id": f"m{number}",
    }
    return MockDelivery(**facts | changes)  # type: ignore[arg-type]  # the test names the fields


def a_signer(*secrets: Secret) -> MockSigner:
    return MockSigner(key=KEY, secrets=secrets, clock=FakeClock())


def is_verified(
    delivery: MockDelivery, *, by: Secret, signed_with: tuple[Secret, ...]
) -> bool:
    given = a_signer(*signed_with).headers(delivery)
    headers = {name.lower(): value for name, value in given}
    return verify(delivery.raw, headers, [by], FakeClock().now())


def test_every_delivery_has_a_mock_signature() -> None:
    delivery = a_delivery()

    headers = {name.lower(): value for name, value in a_signer().headers(delivery)}

    detect = mock_detector(KEY)
    assert detect(delivery.raw, headers, ("127.0.0.1", 1)) is Trust.MOCK
    assert set(headers) == {"content-type", "kling-mock"}


def test_a_delivery_is_signed_with_each_secret() -> None:
    assert is_verified(a_delivery(), by=OURS, signed_with=(OURS, OTHER))
    assert is_verified(a_delivery(), by=OTHER, signed_with=(OURS, OTHER))


def test_forged_and_old_signatures_are_invalid() -> None:
    forged = a_delivery(is_forged=True)
    old = a_delivery(signature_age=timedelta(minutes=10))
    nearly_old = a_delivery(signature_age=timedelta(minutes=4))

    assert not is_verified(forged, by=OURS, signed_with=(OURS,))
    assert not is_verified(old, by=OURS, signed_with=(OURS,))
    assert is_verified(nearly_old, by=OURS, signed_with=(OURS,))


def test_a_forged_signature_needs_no_secret() -> None:
    given = dict(a_signer().headers(a_delivery(is_forged=True)))

    assert given["webhook-signature"].startswith("v1,")


def test_deliveries_are_sent_in_sequence_unless_concurrent() -> None:
    first, second = a_delivery(1), a_delivery(2)
    concurrent = [a_delivery(number, is_concurrent=True) for number in (3, 4)]

    batches = delivery_batches([first, second, *concurrent])

    assert [[delivery.message_id for delivery in each] for each in batches] == [
        ["m1"],
        ["m2"],
        ["m3", "m4"],
    ]


def test_repeats_follow_immediately_and_rounds_follow_each_other() -> None:
    def ids(**how: object) -> list[list[str]]:
        deliveries = [a_delivery(1), a_delivery(2, is_concurrent=True)]
        batches = delivery_batches(deliveries, **how)  # type: ignore[arg-type]  # the test names them
        return [[delivery.message_id for delivery in each] for each in batches]

    assert ids(is_doubled=True) == [["m1"], ["m1"], ["m2", "m2"]]
    assert ids(times=2) == [["m1"], ["m2"], ["m1"], ["m2"]]


@pytest.mark.anyio
async def test_a_batch_is_sent_concurrently() -> None:
    n_concurrent = 20
    barrier = threading.Barrier(n_concurrent)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            barrier.wait(timeout=10)  # no request is answered before all arrived
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Write nothing: the test checks stderr."""

    class Server(ThreadingHTTPServer):
        request_queue_size = n_concurrent

    outcomes: dict[int, DeliveryOutcome] = {}
    batch = tuple(a_delivery(n, is_concurrent=True) for n in range(1, n_concurrent + 1))
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        await send_batches(
            [batch],
            Target(url=f"http://127.0.0.1:{server.server_port}/"),
            MockSigner(key=KEY, secrets=(), clock=SystemClock()),
            lambda number, _one, outcome: outcomes.update({number: outcome}),
        )
        server.shutdown()
        thread.join()

    assert sorted(outcomes) == list(range(1, n_concurrent + 1))
    assert {outcome.status for outcome in outcomes.values()} == {200}


@pytest.mark.anyio
async def test_delays_are_observed_and_outcomes_are_numbered() -> None:
    clock = SkippingClock()
    outcomes: list[tuple[int, str, int | None]] = []
    with recorder() as app:
        app.statuses = [200, 500]
        await send_batches(
            delivery_batches([a_delivery(1), a_delivery(2, delay_s=PAUSE_S)]),
            Target(url=app.url),
            MockSigner(key=KEY, secrets=(), clock=clock),
            lambda number, delivery, got: outcomes.append(
                (number, delivery.message_id, got.status)
            ),
        )

    assert outcomes == [(1, "m1", 200), (2, "m2", 500)]
    assert clock.n_pauses == 1


@pytest.mark.anyio
async def test_a_refused_connection_is_the_outcome() -> None:
    outcomes: list[DeliveryOutcome] = []
    with recorder() as app:
        gone = Target(url=app.url)

    await send_batches(
        delivery_batches([a_delivery()]),
        gone,
        MockSigner(key=KEY, secrets=(), clock=SystemClock()),
        lambda _number, _one, outcome: outcomes.append(outcome),
    )

    assert [outcome.failure for outcome in outcomes] == [DeliveryFailure.REFUSED]
