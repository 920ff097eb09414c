"""What the API answers with: the envelope, the codes, and its pages of HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Source: API reference, section 5.1, read 2026-10-04.
HTTP_OF_CODE = {
    1000: 401,
    1001: 401,
    1002: 401,
    1003: 401,
    1004: 401,
    1100: 429,
    1101: 429,
    1102: 429,
    1103: 403,
    1200: 400,
    1201: 400,
    1202: 404,
    1203: 404,
    1300: 400,
    1301: 400,
    1302: 429,
    1303: 429,
    1304: 429,
    5000: 500,
    5001: 503,
    5002: 504,
}

# Observed where the reference quotes one (1002, 1102, 1303); else the code's meaning.
MESSAGE_OF_CODE = {
    1000: "Authentication failed",
    1001: "Authorization is empty",
    1002: "Authorization is invalid",
    1003: "Authorization is not yet valid",
    1004: "Authorization is expired",
    1100: "Account exception",
    1101: "Account in arrears (postpaid scenario)",
    1102: "Account balance not enough",
    1103: "Unauthorized access to requested resource",
    1200: "Invalid request parameters",
    1201: "prompt value is invalid",
    1202: "The requested method is invalid",
    1203: "The requested resource does not exist",
    1300: "Trigger the platform's strategy",
    1301: "Trigger the platform's content security policy",
    1302: "The API request is too frequent",
    1303: "parallel task over resource pack limit",
    1304: "Trigger the platform's IP whitelist policy",
    5000: "Server internal error",
    5001: "Server temporarily unavailable",
    5002: "Server internal timeout",
}

BAD_GATEWAY_PAGE = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n"
)
GATEWAY_TIMEOUT_PAGE = BAD_GATEWAY_PAGE.replace(
    "502 Bad Gateway", "504 Gateway Time-out"
)
ERROR_PAGE = (
    "<!DOCTYPE html><html><head><title>Sorry</title></head>"
    "<body><h1>This file is not available right now</h1></body></html>"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A code of the API other than 0, and the sentence that goes with it."""

    code: int
    message: str

    @property
    def http(self) -> int:
        return HTTP_OF_CODE[self.code]


def refusal(code: int, message: str | None = None) -> Refusal:
    return Refusal(code, message or MESSAGE_OF_CODE[code])


def accepted(data: Any, request_id: str) -> dict[str, Any]:
    """Return the envelope of a success. Source: API reference, section 1.5."""
    return {"code": 0, "message": "SUCCEED", "request_id": request_id, "data": data}


def refused(why: Refusal, request_id: str) -> dict[str, Any]:
    """Return the envelope of an error, which carries no data."""
    return {"code": why.code, "message": why.message, "request_id": request_id}
