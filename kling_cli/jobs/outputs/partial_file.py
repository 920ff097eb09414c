"""The partial file of a download: created beside its target, resumed, put in place.

Its name has a random part and it is created exclusively, so no other program's file is
ever taken for it. It is recorded before it exists (`PartialRecords`); a recorded file
that is still a plain file of this user with one name may be resumed.
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
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from kling_cli.jobs.job import RETENTION_DAYS
from kling_cli.jobs.outputs.content import HEAD_BYTES
from kling_cli.jobs.outputs.naming import candidate_paths, fit_name
from kling_cli.store import JournalError, OutputKey, PartialFileRecord

if TYPE_CHECKING:
    from kling_cli.jobs.session import Session

_RANDOM_BYTES = 8
_CREATE_TRIES = 3  # another process may remove a folder that it had made and left empty
_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # no wait for a FIFO


class PartialRecords(Protocol):
    """Stores where the partial files of one output are."""

    def known(self) -> Sequence[PartialFileRecord]:
        """Return the records that were added and not removed."""

    def add(self, record: PartialFileRecord) -> bool:
        """Record a partial file; return whether that could be done."""

    def remove(self, path: Path) -> None:
        """Remove the record of a partial file."""


class NullRecords:
    """Stores nothing, so that a partial file is removed when its download ends."""

    def known(self) -> Sequence[PartialFileRecord]:
        return ()

    def add(self, record: PartialFileRecord) -> bool:  # noqa: ARG002 -- the protocol's
        return False

    def remove(self, path: Path) -> None:
        pass


class PartialFile:
    """The partial file of one download, as a context manager.

    It stays when the block ends early, unless it is empty, the disk is full, or it is
    not recorded and could not be found again.
    """

    def __init__(self, target: Path, records: PartialRecords) -> None:
        self.target = target
        self._records = records
        self._record: PartialFileRecord | None = None
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

    def resume(self) -> tuple[PartialFileRecord, bytes] | None:
        """Open the partial file that an earlier run has left beside the target.

        Return its record and its first bytes; None if there is none to be trusted.
        """
        folder = Path(os.path.realpath(self.target.parent))
        for record in self._records.known():
            if not record.has_validator or record.path.parent != folder:
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
        """Create or empty the file, for content with this ETag and length.

        Raises:
            OSError: it cannot be created or emptied.
        """
        if self._stream is not None:  # first: it is never taken for the new content
            self._stream.seek(0)
            self._stream.truncate()
        path = self._new_path() if self._record is None else self._record.path
        record = PartialFileRecord(path=path, etag=etag, total_bytes=total_bytes)
        if record != self._record:
            self._is_recorded = self._records.add(record)
            self._record = record
        if self._stream is None:
            self._stream = _create_locked(path)

    def write(self, raw: bytes) -> None:
        """Add bytes at the end.

        Raises:
            OSError: they cannot be written.
        """
        assert self._stream is not None  # noqa: S101 -- `begin` or `resume` came first
        rest = memoryview(raw)
        while rest:
            rest = rest[self._stream.write(rest) :]

    def put_in_place(self, *, is_forced: bool) -> Path:
        """Move the finished file to its name; without force never to one that is taken.

        Other partial files of the same output are removed.

        Raises:
            OSError: it cannot be flushed or moved.
        """
        assert self._stream is not None  # noqa: S101 -- it is finished
        assert self._record is not None  # noqa: S101 -- it is finished
        os.fsync(self._stream.fileno())
        place = _move_into_place(self._record.path, self.target, is_forced=is_forced)
        self.discard()
        for record in self._records.known():
            if remove_abandoned(record.path):
                self._records.remove(record.path)
        return place

    def discard(self) -> None:
        """Remove the partial file and its record."""
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
    """Remove a partial file that will not be resumed, if it is still the recorded one.

    Return whether its record may be removed: no other process is writing the file.
    """
    stream = _open_own(path)
    if stream is None:
        return not _is_locked(path)
    with stream, contextlib.suppress(OSError):
        path.unlink()
    return True


def partial_name(folder: Path, name: str) -> str:
    """Return a name for the partial file of `name`, with a random part."""
    ending = f".{secrets.token_hex(_RANDOM_BYTES)}.part"
    return fit_name(folder, f".{name}", ending)


def _create_locked(path: Path) -> io.FileIO:
    """Create the file, which must not exist, and lock it."""
    for _ in range(_CREATE_TRIES - 1):
        with contextlib.suppress(FileNotFoundError):
            return _create_exclusively(path)
        path.parent.mkdir(parents=True, exist_ok=True)
    return _create_exclusively(path)


def _create_exclusively(path: Path) -> io.FileIO:
    descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666)
    stream = io.FileIO(descriptor, "r+")
    _lock(stream)
    return stream


def _open_own(path: Path) -> io.FileIO | None:
    """Open and lock a recorded file; None if it is not that file any more.

    It must be a plain file of this user that no other process is writing.
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
    """Lock the file; return whether no other process has it locked."""
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


def _move_into_place(part: Path, target: Path, *, is_forced: bool) -> Path:
    if is_forced:
        part.replace(target)
        return target
    for free in candidate_paths(target):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecords:
    """Stores the partial files of one output in the journal; ignores its errors."""

    session: Session
    output: OutputKey

    def known(self) -> Sequence[PartialFileRecord]:
        try:
            return self.session.journal.partial_files(self.output)
        except JournalError:
            return ()

    def add(self, record: PartialFileRecord) -> bool:
        """Record it, and remove partial files whose outputs no longer exist."""
        now = self.session.clock.now()
        self._remove_outdated(now - timedelta(days=RETENTION_DAYS))
        return self.session.write(
            self.session.journal.add_partial_file, self.output, record, written_at=now
        )

    def _remove_outdated(self, before: datetime) -> None:
        try:
            outdated = self.session.journal.partial_files_before(before)
        except JournalError:
            return
        for path in outdated:
            if remove_abandoned(path):
                self.remove(path)

    def remove(self, path: Path) -> None:
        self.session.write(self.session.journal.remove_partial_file, path)
