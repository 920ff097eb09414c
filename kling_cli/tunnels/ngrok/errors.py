"""What ngrok's error codes mean: one sentence and what to do about it.

Source: https://ngrok.com/docs/errors, read 2026-10-04.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from kling_cli.errors import TunnelError
from kling_cli.tunnels.provider import TunnelTakenError, one_line

_CODE = re.compile(r"ERR_NGROK_(\d+)", re.IGNORECASE)
# 105 and 107 repeat the token they refuse.
_SPOKEN_TOKEN = re.compile(r"(auth ?token\s*[:=]\s*)\S+", re.IGNORECASE)
_SPACES = re.compile(r"(?:\s|\\[rnt]|[\x00-\x1f\x7f-\x9f])+")

_TOKENS = "https://dashboard.ngrok.com/get-started/your-authtoken"
_GIVE_TOKEN = (
    f"copy your authtoken from {_TOKENS} "
    "and run `ngrok config add-authtoken TOKEN`, or set NGROK_AUTHTOKEN"
)
_UPDATE = "run `ngrok update`, or get it from https://ngrok.com/download"
_AGENTS = "end the other agent (https://dashboard.ngrok.com/agents), or wait for it"
_BILLING = "see https://dashboard.ngrok.com/billing"

# code: what is wrong, what to do
_KNOWN = {
    102: ("the last payment for the ngrok account failed", _BILLING),
    103: ("the ngrok account is suspended", "write to support@ngrok.com"),
    105: ("the ngrok authtoken is not in the form of one", _GIVE_TOKEN),
    106: ("the ngrok authtoken is of an old kind", _GIVE_TOKEN),
    107: ("the ngrok authtoken is invalid or was revoked", _GIVE_TOKEN),
    108: ("the ngrok account has no agent session left", _AGENTS),
    115: (
        "the ngrok account does not allow agents at this IP address",
        "see https://dashboard.ngrok.com/ip-restrictions",
    ),
    120: ("the ngrok agent is too old", _UPDATE),
    121: ("the ngrok agent is too old for the account", _UPDATE),
    123: (
        "the ngrok account's email address is not verified",
        "verify it at https://dashboard.ngrok.com/user/settings",
    ),
    320: (
        "the domain is reserved for another ngrok account",
        "use the authtoken of the account that has it: " + _TOKENS,
    ),
    324: ("the ngrok agent session has no endpoint left", _AGENTS),
    334: ("the ngrok account's URL is online in another agent", _AGENTS),
    348: ("the ngrok account has no session left", _AGENTS),
    725: ("the ngrok account has used up its bandwidth for this month", _BILLING),
    727: ("the ngrok account has used up its requests for this month", _BILLING),
    3200: ("the ngrok endpoint is offline", "run the command again"),
    4018: ("ngrok wants an account and its authtoken", _GIVE_TOKEN),
    8012: (
        "ngrok cannot reach the listener on this machine",
        "see whether a firewall stops connections to 127.0.0.1",
    ),
    9040: (
        "ngrok does not serve this IP address",
        "use another network, or your own --callback-url",
    ),
}
# Another agent of the account is running: another kling's tunnel may be shared.
_TAKEN = frozenset({108, 324, 334, 348})


def reason_of(body: str) -> str:
    """Return what the agent's web service gave as its reason, else all it said."""
    try:
        return str(json.loads(body)["details"]["err"])
    except (ValueError, KeyError, TypeError):
        return body


def read_refusal(text: str, secrets: Iterable[str] = ()) -> TunnelError | None:
    """Return the error for the refusal in `text`; None when it has no code of ngrok's.

    `TunnelTakenError` when another agent of the same account is running.
    """
    found = _CODE.search(text)
    if found is None:
        return None
    code = int(found[1])
    page = f"https://ngrok.com/docs/errors/err_ngrok_{code}"
    words = clean(text[: found.start()], secrets) or "ngrok refused"
    what, hint = _KNOWN.get(code, (words, f"see {page}"))
    error = TunnelTakenError if code in _TAKEN else TunnelError
    return error(f"{what} (ERR_NGROK_{code})", hint=hint)


def clean(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` as one line that may be shown: no secret, no control character."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    text = _SPOKEN_TOKEN.sub(r"\1***", text)
    return one_line(_SPACES.sub(" ", text))
