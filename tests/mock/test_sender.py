"""Mock callbacks over real connections: marked, signed, one by one or all at once."""

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


class Hasty(SystemClock):
    """A clock that notes the pauses of a scenario instead of keeping them."""

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


def is_let_in(
    delivery: MockDelivery, *, by: Secret, signed_with: tuple[Secret, ...]
) -> bool:
    given = a_signer(*signed_with).headers(delivery)
    headers = {name.lower(): value for name, value in given}
    return verify(delivery.raw, headers, [by], FakeClock().now())


def test_every_delivery_bears_our_mark() -> None:
    delivery = a_delivery()

    headers = {name.lower(): value for name, value in a_signer().headers(delivery)}

    detect = mock_detector(KEY)
    assert detect(delivery.raw, headers, ("127.0.0.1", 1)) is Trust.MOCK
    assert set(headers) == {"content-type", "kling-mock"}


def test_with_secrets_it_is_signed_with_each() -> None:
    assert is_let_in(a_delivery(), by=OURS, signed_with=(OURS, OTHER))
    assert is_let_in(a_delivery(), by=OTHER, signed_with=(OURS, OTHER))


def test_what_is_forged_or_old_is_let_in_by_nobody_who_looks() -> None:
    forged = a_delivery(is_forged=True)
    old = a_delivery(signature_age=timedelta(minutes=10))
    nearly_old = a_delivery(signature_age=timedelta(minutes=4))

    assert not is_let_in(forged, by=OURS, signed_with=(OURS,))
    assert not is_let_in(old, by=OURS, signed_with=(OURS,))
    assert is_let_in(nearly_old, by=OURS, signed_with=(OURS,))


def test_a_forged_signature_is_there_without_any_secret() -> None:
    given = dict(a_signer().headers(a_delivery(is_forged=True)))

    assert given["webhook-signature"].startswith("v1,")


def test_deliveries_go_out_one_by_one_unless_they_belong_together() -> None:
    alone, two = a_delivery(1), a_delivery(2)
    together = [a_delivery(number, is_concurrent=True) for number in (3, 4)]

    batches = delivery_batches([alone, two, *together])

    assert [[delivery.message_id for delivery in each] for each in batches] == [
        ["m1"],
        ["m2"],
        ["m3", "m4"],
    ]


def test_repeats_follow_at_once_and_rounds_follow_each_other() -> None:
    def ids(**how: object) -> list[list[str]]:
        deliveries = [a_delivery(1), a_delivery(2, is_concurrent=True)]
        batches = delivery_batches(deliveries, **how)  # type: ignore[arg-type]  # the test names them
        return [[delivery.message_id for delivery in each] for each in batches]

    assert ids(is_doubled=True) == [["m1"], ["m1"], ["m2", "m2"]]
    assert ids(times=2) == [["m1"], ["m2"], ["m1"], ["m2"]]


@pytest.mark.anyio
async def test_a_volley_is_under_way_all_at_once() -> None:
    n_together = 20
    everybody = threading.Barrier(n_together)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            everybody.wait(timeout=10)  # nobody is answered before all are here
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing: stderr is watched."""

    class Server(ThreadingHTTPServer):
        request_queue_size = n_together

    outcomes: dict[int, DeliveryOutcome] = {}
    batch = tuple(a_delivery(n, is_concurrent=True) for n in range(1, n_together + 1))
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

    assert sorted(outcomes) == list(range(1, n_together + 1))
    assert {outcome.status for outcome in outcomes.values()} == {200}


@pytest.mark.anyio
async def test_pauses_are_kept_and_answers_are_told_by_number() -> None:
    clock = Hasty()
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
async def test_where_nobody_listens_that_is_the_outcome() -> None:
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
