from .account import (
    BALANCE_PATH as BALANCE_PATH,
    PACKAGE_PATH as PACKAGE_PATH,
    Deduction as Deduction,
    Pack as Pack,
    deductions as deductions,
    packs as packs,
)
from .client import (
    KlingClient as KlingClient,
    RetryingClient as RetryingClient,
    open_client as open_client,
)
from .credentials import (
    ApiKey as ApiKey,
    Credentials as Credentials,
    KeyPair as KeyPair,
    credentials_from_settings as credentials_from_settings,
    missing_credentials_error as missing_credentials_error,
)
from .error_codes import SUCCESS as SUCCESS, error_from_response as error_from_response
from .health_check import (
    HealthReport as HealthReport,
    HealthStatus as HealthStatus,
    check_credentials as check_credentials,
    check_reachable as check_reachable,
)
from .http import (
    ProxyFailedError as ProxyFailedError,
    httpx as httpx,
    new_http as new_http,
)
from .library import (
    ELEMENTS as ELEMENTS,
    VOICES as VOICES,
    ItemKind as ItemKind,
    LibraryItem as LibraryItem,
    Owner as Owner,
    UnknownItemError as UnknownItemError,
    delete_item as delete_item,
    library_items as library_items,
)
from .pagination import (
    PagedItems as PagedItems,
    PageFetcher as PageFetcher,
    cursor_pages as cursor_pages,
    numbered_pages as numbered_pages,
    take_first as take_first,
)
from .tasks import (
    Output as Output,
    Task as Task,
    TaskStatus as TaskStatus,
    created_at_from_wire as created_at_from_wire,
    task_from_wire as task_from_wire,
    tasks_from_wire as tasks_from_wire,
)
from .transport import (
    ApiResponse as ApiResponse,
    parse_request_path as parse_request_path,
)
