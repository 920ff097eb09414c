from .database import (
    BUSY_S as BUSY_S,
    FILE_NAME as FILE_NAME,
    JournalError as JournalError,
    find_damage as find_damage,
)
from .journal import (
    CallbackFilter as CallbackFilter,
    CallbackJournal as CallbackJournal,
    ForwardOutcomes as ForwardOutcomes,
    Journal as Journal,
    ListenerJournal as ListenerJournal,
    PartialPlace as PartialPlace,
    StoredCallback as StoredCallback,
    StoredForward as StoredForward,
    last_by_url as last_by_url,
)
from .prompts import prompt_of as prompt_of
from .recent import (
    RecentTask as RecentTask,
    recent_callbacks as recent_callbacks,
    recent_tasks as recent_tasks,
)
from .records import (
    JobRecord as JobRecord,
    PartialRecord as PartialRecord,
    SavedOutput as SavedOutput,
    Stage as Stage,
    State as State,
)
