from .api import Output as Output, TaskStatus as TaskStatus
from .errors import (
    AccountError as AccountError,
    AmbiguousError as AmbiguousError,
    ContentRefusedError as ContentRefusedError,
    CredentialsError as CredentialsError,
    InvalidCallbackError as InvalidCallbackError,
    KlingError as KlingError,
    NoSlotError as NoSlotError,
    NotSavedError as NotSavedError,
    OutcomeUnknownError as OutcomeUnknownError,
    RateLimitError as RateLimitError,
    RefusedError as RefusedError,
    SignatureError as SignatureError,
    StillRunningError as StillRunningError,
    TaskFailedError as TaskFailedError,
    TunnelError as TunnelError,
    UnreachableError as UnreachableError,
    UsageError as UsageError,
)
from .jobs import events as events
from .python_api.callback import (
    Callback as Callback,
    parse_callback as parse_callback,
)
from .python_api.client import AsyncKling as AsyncKling, Kling as Kling
from .python_api.job import AsyncJob as AsyncJob, Job as Job

__version__: str
