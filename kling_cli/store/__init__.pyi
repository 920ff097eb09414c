from .database import (
    BUSY_TIMEOUT_S as BUSY_TIMEOUT_S,
    FILE_NAME as FILE_NAME,
    JournalError as JournalError,
    check_integrity as check_integrity,
)
from .journal import (
    Journal as Journal,
    ListenerJournal as ListenerJournal,
)
from .recent import (
    RecentTask as RecentTask,
    recent_callbacks as recent_callbacks,
    recent_tasks as recent_tasks,
)
from .records import (
    CallbackFilter as CallbackFilter,
    ForwardOutcomes as ForwardOutcomes,
    JobRecord as JobRecord,
    OutputKey as OutputKey,
    PartialFileRecord as PartialFileRecord,
    SavedOutput as SavedOutput,
    Stage as Stage,
    State as State,
    StoredCallback as StoredCallback,
    StoredForward as StoredForward,
    last_by_url as last_by_url,
)
