from .events import (
    CallbackAccepted as CallbackAccepted,
    CallbackNotStored as CallbackNotStored,
    CallbackRefused as CallbackRefused,
    MockDetector as MockDetector,
    Peer as Peer,
    ReceivedCallback as ReceivedCallback,
    ReceiverEvent as ReceiverEvent,
    RefusalReason as RefusalReason,
    Trust as Trust,
    UrlMatch as UrlMatch,
    UrlMatcher as UrlMatcher,
    task_url_matcher as task_url_matcher,
)
from .http.limits import ServerLimits as ServerLimits
from .http.responses import RECEIVED as RECEIVED, Response as Response
from .http.server import Server as Server, serve as serve
from .payload import (
    MalformedPayloadError as MalformedPayloadError,
    parse_object as parse_object,
    parse_payload as parse_payload,
)
from .receiver import Receiver as Receiver
from .signatures import (
    check_secret as check_secret,
    sign as sign,
    verify as verify,
)
from .urls import (
    TaskUrl as TaskUrl,
    callback_path as callback_path,
    create_secret_file as create_secret_file,
    load_key as load_key,
    new_nonce as new_nonce,
    replace_secret_file as replace_secret_file,
)
