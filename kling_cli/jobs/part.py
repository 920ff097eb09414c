"""The partial file of a download: made beside its target, finished, found again.

Its name has a random part and it is created exclusively, so it is never somebody
else's file. Before it exists it is written down (`PartialRecords`); what stands there,
and is still a plain file of this user with one name, is ours and may be gone on with.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from kling_cli.jobs.content import HEAD_BYTES
from kling_cli.jobs.naming import free_names, shortened

_RANDOM_BYTES = 8
_TRIES = 3  # another process may remove a folder that it had made and left empty
_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # no wait for a FIFO


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialRecord:
    """A partial file as it is written down: where, and which content it is part of."""

    path: Path
    etag: str | None = None
    total_bytes: int | None = None

    @property
    def is_provable(self) -> bool:
        """Whether an answer can be compared with what the bytes so far belong to."""
        return self.etag is not None or self.total_bytes is not None


class PartialRecords(Protocol):
    """Where the partial files of one output are written down."""

    def known(self) -> Sequence[PartialRecord]:
        """Return those that were written down and not removed."""

    def add(self, record: PartialRecord) -> bool:
        """Write down a partial file; return whether that could be done."""

    def remove(self, path: Path) -> None:
        """Forget a partial file."""


class NoRecords:
    """Nothing is written down, so a partial file goes when its download ends."""

    def known(self) -> Sequence[PartialRecord]:
        return ()

    def add(self, record: PartialRecord) -> bool:  # noqa: ARG002 -- the protocol's
        return False

    def remove(self, path: Path) -> None:
        pass


class PartialFile:
    """One download's partial file. Use as a context manager.

    What came is kept when the block ends early, unless nothing came, the disk takes no
    more, or the file is not written down and nobody would find it again.
    """

    def __init__(self, target: Path, records: PartialRecords) -> None:
        self.target = target
        self._records = records
        self._record: PartialRecord | None = None
        self._stream: io.FileIO | None = None
        self._is_recorded = False

    def __enter__(self) -> Self:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        is_disk_full = isinstance(error, OSError)
        if is_disk_full or not self._is_recorded or not self.size_bytes:
            self.discard()
        elif self._stream is not None:
            self._stream.close()

    @property
    def size_bytes(self) -> int:
        """The bytes so far."""
        return 0 if self._stream is None else os.fstat(self._stream.fileno()).st_size

    def resume(self) -> tuple[PartialRecord, bytes] | None:
        """Open what an earlier run has kept beside the target, if it can be trusted.

        Return its record and its first bytes.
        """
        folder = Path(os.path.realpath(self.target.parent))
        for record in self._records.known():
            if not record.is_provable or record.path.parent != folder:
                continue
            self._stream = _open_own(record.path)
            if self._stream is None:
                continue
            self._record, self._is_recorded = record, True
            if self.size_bytes and _is_only_name(self._stream):
                first = self._stream.read(HEAD_BYTES)
                self._stream.seek(0, os.SEEK_END)
                return record, first
            self.discard()
        return None

    def begin(self, etag: str | None, total_bytes: int | None) -> None:
        """Be empty and belong to this content; made now if it is not there yet.

        Raises:
            OSError: it cannot be made or emptied.
        """
        if self._stream is not None:  # first: it is never taken for the new content
            self._stream.seek(0)
            self._stream.truncate()
        path = self._new_path() if self._record is None else self._record.path
        record = PartialRecord(path=path, etag=etag, total_bytes=total_bytes)
        if record != self._record:
            self._is_recorded = self._records.add(record)
            self._record = record
        if self._stream is None:
            self._stream = _create(path)

    def write(self, raw: bytes) -> None:
        """Add bytes at the end.

        Raises:
            OSError: the disk does not take them.
        """
        assert self._stream is not None  # noqa: S101 -- `begin` or `resume` came first
        rest = memoryview(raw)
        while rest:
            rest = rest[self._stream.write(rest) :]

    def put_in_place(self, *, is_forced: bool) -> Path:
        """Give the finished file its name; without force never one that is taken.

        Other partial files of the same output are removed: it is here now.

        Raises:
            OSError: the bytes or the name cannot be had.
        """
        assert self._stream is not None  # noqa: S101 -- it is finished
        assert self._record is not None  # noqa: S101 -- it is finished
        os.fsync(self._stream.fileno())
        place = _put_in_place(self._record.path, self.target, is_forced=is_forced)
        self.discard()
        for record in self._records.known():
            if remove_abandoned(record.path):
                self._records.remove(record.path)
        return place

    def discard(self) -> None:
        """Remove the partial file, and what is written down of it."""
        record, stream = self._record, self._stream
        self._record = self._stream = None
        if record is None:
            return
        if stream is not None:
            with stream:  # still locked: nobody can have taken it over
                if _is_named(stream, record.path):
                    with contextlib.suppress(OSError):
                        record.path.unlink()
        self._records.remove(record.path)

    def _new_path(self) -> Path:
        folder = Path(os.path.realpath(self.target.parent))
        return folder / partial_name(folder, self.target.name)


def remove_abandoned(path: Path) -> bool:
    """Remove a partial file that nobody will go on with, if it is still ours.

    Return whether it may be forgotten: no other process is writing it.
    """
    stream = _open_own(path)
    if stream is None:
        return not _is_locked(path)
    with stream, contextlib.suppress(OSError):
        path.unlink()
    return True


def partial_name(folder: Path, name: str) -> str:
    """Return a name for the partial file of `name`, as no other program makes it."""
    ending = f".{secrets.token_hex(_RANDOM_BYTES)}.part"
    return shortened(folder, f".{name}", ending)


def _create(path: Path) -> io.FileIO:
    """Create the file, which must not be there, and lock it."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(FileNotFoundError):
            return _created(path)
        path.parent.mkdir(parents=True, exist_ok=True)
    return _created(path)


def _created(path: Path) -> io.FileIO:
    descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666)
    stream = io.FileIO(descriptor, "r+")
    _lock(stream)
    return stream


def _open_own(path: Path) -> io.FileIO | None:
    """Open and lock a file that was written down; None if it is not ours any more.

    It must be a plain file of this user, and no other process may be writing it.
    """
    try:
        stream = io.FileIO(os.open(path, _FLAGS), "r+")
    except OSError:
        return None
    about = os.fstat(stream.fileno())
    is_own = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid()
    if is_own and _lock(stream) and _is_named(stream, path):
        return stream
    stream.close()
    return None


def _is_only_name(stream: io.FileIO) -> bool:
    """Return whether the file has one name; a second is that of the finished file."""
    return os.fstat(stream.fileno()).st_nlink == 1


def _is_locked(path: Path) -> bool:
    """Return whether another process is writing the plain file `path`."""
    try:
        with io.FileIO(os.open(path, _FLAGS), "r+") as stream:
            return not _lock(stream)
    except OSError:
        return False


def _lock(stream: io.FileIO) -> bool:
    """Return whether nobody else has the file open to write it."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # pragma: no cover -- needs a file system without locks
        return True
    return True


def _is_named(stream: io.FileIO, path: Path) -> bool:
    """Return whether `path` is still the name of the open file."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _put_in_place(part: Path, target: Path, *, is_forced: bool) -> Path:
    if is_forced:
        part.replace(target)
        return target
    for free in free_names(target):
        try:
            os.link(part, free)  # unlike a rename, this fails when the name is taken
        except FileExistsError:
            continue
        except OSError:  # pragma: no cover -- needs a file system without links
            if os.path.lexists(free):
                continue
            part.rename(free)
        return free
    raise AssertionError  # pragma: no cover -- free_names never ends
