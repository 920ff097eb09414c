"""Callbacks a second of `kling listen`, compared with a plain FastAPI handler.

    pip install '.[bench]'; python benchmarks/listener.py

Ours keeps every callback on disk before it answers; the other one keeps nothing. Both
run as processes on loopback, in turn, under the same load: keep-alive connections that
send the next callback when the last one was answered. Then the durability of what was
answered is checked with `kill -9`, and with `--memory 100000` the growth of memory over
so many callbacks.

The other one reads HTTP with h11, as a plain `pip install fastapi uvicorn` has it;
`--http httptools` holds ours to what `uvicorn[standard]` has.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from figures import Figure, environment, kling

CONNECTIONS = (1, 16, 64)
GUIDE = """
import logging
from fastapi import FastAPI, Request
app = FastAPI()
log = logging.getLogger("callbacks")
@app.post("/callback")
async def callback(request: Request):
    data = await request.json()
    log.info("Received callback: %s", data)
    return {"status": "received"}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """The result of one server under one load."""

    per_second: float
    p99_ms: float


def main() -> int:
    """Measure and print; the exit code is 0 if every budget was kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-s", "--seconds", type=float, default=3.0, help="a load (3)")
    parser.add_argument("-r", "--rounds", type=int, default=3, help="of each (3)")
    parser.add_argument("--http", default="h11", help="FastAPI's parser (h11)")
    parser.add_argument("--memory", type=int, default=0, metavar="N", help="callbacks")
    wanted = parser.parse_args()
    is_within_budget = True
    with tempfile.TemporaryDirectory() as name:
        for figure in _figures(Path(name), wanted):
            print(figure.line, flush=True)
            is_within_budget &= figure.is_within_budget
    return 0 if is_within_budget else 1


def _figures(folder: Path, wanted: argparse.Namespace) -> Iterator[Figure]:
    for connections in CONNECTIONS:
        pairs = [
            (
                _measure(
                    _kling_listen,
                    folder / f"{connections}-{run}",
                    connections,
                    wanted.seconds,
                ),
                _measure(
                    partial(_fastapi, http=wanted.http),
                    folder,
                    connections,
                    wanted.seconds,
                ),
            )
            for run in range(wanted.rounds)
        ]
        yield from _compared(connections, pairs)
    yield _lost_by_kill(folder / "kill")
    if wanted.memory:
        yield _growth(folder / "memory", wanted.memory)


def _compared(connections: int, pairs: list[tuple[Load, Load]]) -> Iterator[Figure]:
    ours, theirs = zip(*pairs, strict=True)
    rate, other_rate = _median(ours, "per_second"), _median(theirs, "per_second")
    tail, other_tail = _median(ours, "p99_ms"), _median(theirs, "p99_ms")
    name = f"{connections} connections"
    yield Figure(
        name=f"FastAPI / kling listen, callbacks a second, {name}",
        value=statistics.median(b.per_second / a.per_second for a, b in pairs),
        budget=1.0,
        unit="x",
        detail=f"{rate:.0f}/s beside {other_rate:.0f}/s",
    )
    yield Figure(
        name=f"kling listen / FastAPI, p99 of the answer, {name}",
        value=statistics.median(a.p99_ms / b.p99_ms for a, b in pairs),
        budget=1.0,
        unit="x",
        detail=f"{tail:.1f} ms beside {other_tail:.1f} ms",
    )


def _median(loads: tuple[Load, ...], name: str) -> float:
    return statistics.median(getattr(load, name) for load in loads)


def _measure(server: object, folder: Path, connections: int, seconds: float) -> Load:
    folder.mkdir(exist_ok=True)
    with server(folder) as (port, _):  # type: ignore[operator]
        asyncio.run(_load(port, connections, 0.5))
        times = asyncio.run(_load(port, connections, seconds))
    times.sort()
    return Load(len(times) / seconds, times[int(len(times) * 0.99)] * 1000)


async def _load(port: int, connections: int, seconds: float) -> list[float]:
    until = time.perf_counter() + seconds
    runs = [_client(port, number, until) for number in range(connections)]
    return [took for times in await asyncio.gather(*runs) for took in times]


async def _client(port: int, number: int, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times: list[float] = []
    while (began := time.perf_counter()) < until:
        writer.write(_request(f"{number}-{len(times)}"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.splitlines()[0], head
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().splitlines()
            if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        times.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()
    return times


def _request(name: str) -> bytes:
    body = json.dumps(
        {
            "id": f"task-{name}",
            "status": "succeeded",
            "message": "",
            "create_time": 1793000000000,
            "update_time": 1793000041000,
            "outputs": [
                {"type": "video", "id": "1", "url": "https://cdn.example.com/v.mp4"}
            ],
        }
    ).encode()
    head = (
        "POST /callback HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def _kling_listen(folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = _free_port()
    command = kling(
        "listen", "--no-token", "--tunnel", "none", "--port", str(port), "-q"
    )
    with _running(command, environment(folder), folder, port) as process:
        yield port, process


@contextmanager
def _fastapi(
    folder: Path, *, http: str = "h11"
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    (folder / "guide.py").write_text(GUIDE)
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "guide:app", "--port", str(port)]
    command += [
        "--http",
        http,
        "--no-access-log",
        "--log-level",
        "warning",
        "--app-dir",
        str(folder),
    ]
    with _running(command, environment(folder), folder, port) as process:
        yield port, process


@contextmanager
def _running(
    command: list[str], env: dict[str, str], cwd: Path, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    null = subprocess.DEVNULL
    with subprocess.Popen(
        command, env=env, cwd=cwd, stdout=null, stderr=null
    ) as process:
        try:
            _wait_until_open(port, process)
            yield process
        finally:
            process.terminate()


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 15
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(
        f"nothing listens on {port}; did `pip install '.[bench]'` come before?"
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _lost_by_kill(folder: Path) -> Figure:
    """Count callbacks that were answered with 200 and are not in the journal."""
    folder.mkdir()
    answered: list[str] = []
    with _kling_listen(folder) as (port, process):
        asyncio.run(_until_killed(port, process, answered))
        process.wait(10)
    with sqlite3.connect(folder / "state" / "journal.db") as db:
        kept = {row[0] for row in db.execute("SELECT task_id FROM callbacks")}
    return Figure(
        name="callbacks answered with 200 and lost by kill -9",
        value=len(set(answered) - kept),
        budget=0,
        unit="lost",
        detail=f"of {len(answered)} answered",
    )


async def _until_killed(
    port: int, process: subprocess.Popen[bytes], answered: list[str]
) -> None:
    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        count = 0
        try:
            while True:
                writer.write(_request(f"{number}-{count}"))
                head = await reader.readuntil(b"\r\n\r\n")
                if b" 200 " in head.splitlines()[0]:
                    answered.append(f"task-{number}-{count}")
                await reader.readexactly(len(b'{"status": "received"}'))
                count += 1
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    clients = asyncio.gather(*(client(number) for number in range(16)))
    await asyncio.sleep(2)
    os.kill(process.pid, signal.SIGKILL)
    await clients


def _growth(folder: Path, count: int) -> Figure:
    """Return how much memory grows over `count` callbacks, after a tenth of them."""
    import psutil

    folder.mkdir()
    with _kling_listen(folder) as (port, process):
        child = psutil.Process(process.pid)
        sent = 0
        first = 0.0
        while sent < count:
            sent += len(asyncio.run(_load(port, 16, 1.0)))
            if not first and sent >= count / 10:
                first = child.memory_info().rss
        last = child.memory_info().rss
    return Figure(
        name=f"growth of memory over {sent} callbacks",
        value=(last - first) / 2**20,
        budget=4,
        unit="MB",
        detail=f"{last / 2**20:.0f} MB at the end",
    )


if __name__ == "__main__":
    sys.exit(main())
