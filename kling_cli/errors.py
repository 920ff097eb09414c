"""Exceptions of the program; each class has its exit code and its type in JSON.

An adapter turns foreign exceptions into these where they occur. `main.py` turns
them into a message and an exit code; nothing in between prints or exits.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import ClassVar, TypeVar


class ExitCode(IntEnum):
    """Exit codes of the program. Stable: the README and `docs/` repeat this table."""

    DONE = 0
    BUG = 1
    USAGE = 2
    CREDENTIALS = 3
    ACCOUNT = 4
    STILL_RUNNING = 5
    UNREACHABLE = 6
    NO_SLOT = 7
    TASK_FAILED = 8
    NOT_SAVED = 9
    CONTENT_REFUSED = 10
    OUTCOME_UNKNOWN = 11
    NO_TUNNEL = 12
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


E = TypeVar("E", bound="KlingError")


class KlingError(Exception):
    """Base of all errors that a user can act on.

    `message` names its subject; `hint` is what to type or change next. `code` is the
    API's own code and `http` the HTTP status, where a response was the cause. `task_id`
    and `external_id` are set where the Python API raises the error of a job.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG
    type: ClassVar[str] = "internal"
    is_retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: int | None = None,
        http: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.http = http
        self.request_id = request_id
        self.task_id: str | None = None
        self.external_id: str | None = None

    def converted_to(
        self,
        kind: Callable[..., E],
        message: str | None = None,
        *,
        hint: str | None = None,
    ) -> E:
        """Return an error of another class about the same response of the API.

        Message and hint are those of this error unless they are given.
        """
        return kind(
            message or self.message,
            hint=hint or self.hint,
            code=self.code,
            http=self.http,
            request_id=self.request_id,
        )


class UsageError(KlingError):
    """The command line, a file or a setting is invalid; nothing was sent."""

    exit_code = ExitCode.USAGE
    type = "usage"


class RefusedError(UsageError):
    """The API refused the parameters (codes 1200 to 1203)."""


class CredentialsError(KlingError):
    """Credentials are missing, invalid or without the right (1000 to 1004, 1103)."""

    exit_code = ExitCode.CREDENTIALS
    type = "auth"


class AccountError(KlingError):
    """Quota, arrears or IP list of the account (1100-1102, 1304), or `--max-units`."""

    exit_code = ExitCode.ACCOUNT
    type = "account"


class StillRunningError(KlingError):
    """Waiting ended before the task did; the task continues and is paid for."""

    exit_code = ExitCode.STILL_RUNNING
    type = "timeout"
    is_retryable = True


class UnreachableError(KlingError):
    """The API or the network could not be reached, or sent an invalid response."""

    exit_code = ExitCode.UNREACHABLE
    type = "network"
    is_retryable = True


class AmbiguousError(UnreachableError):
    """The outcome of a create call is unknown: it may have been accepted.

    Raised for a lost connection or a timeout after the request was sent, any 5xx, and
    an invalid response. Settled by a query for the external id.
    """


class RateLimitError(UnreachableError):
    """Too many requests (1302): retry later."""


class NoSlotError(KlingError):
    """All concurrent slots of the account are taken (1303, 1302 at submission)."""

    exit_code = ExitCode.NO_SLOT
    type = "concurrency"
    is_retryable = True


class TaskFailedError(KlingError):
    """The task failed; nothing was charged."""

    exit_code = ExitCode.TASK_FAILED
    type = "task_failed"


class NotSavedError(KlingError):
    """The task succeeded but its files could not be saved."""

    exit_code = ExitCode.NOT_SAVED
    type = "download"
    is_retryable = True


class ContentRefusedError(KlingError):
    """Input or output was refused for its content (1300, 1301, risk control)."""

    exit_code = ExitCode.CONTENT_REFUSED
    type = "policy"


class OutcomeUnknownError(KlingError):
    """It is still unknown whether the API accepted the job."""

    exit_code = ExitCode.OUTCOME_UNKNOWN
    type = "submission_unknown"


class TunnelError(KlingError):
    """No tunnel could be opened."""

    exit_code = ExitCode.NO_TUNNEL
    type = "tunnel"
    is_retryable = True


class InvalidCallbackError(UsageError):
    """A request to a handler is no callback; answer it with `response_status`."""

    response_status: ClassVar[int] = 400


class SignatureError(InvalidCallbackError):
    """A callback has no signature that a webhook secret verifies."""

    response_status = 401


class StoppedError(KlingError):
    """A signal stopped the command; submitted tasks continue."""

    type = "interrupted"
    is_retryable = True

    def __init__(
        self, message: str, *, exit_code: ExitCode, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code  # type: ignore[misc]  # one class, three signals

    def with_clause(self, clause: str, *, hint: str | None) -> StoppedError:
        """Return the error with a clause that says what the stop means for a job."""
        return StoppedError(
            f"{self.message}; {clause}", exit_code=self.exit_code, hint=hint
        )
