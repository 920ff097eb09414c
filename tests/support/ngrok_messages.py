"""The error messages of the ngrok agent.

Source: https://ngrok.com/docs/errors, read 2026-10-04.
"""

from __future__ import annotations

USAGE = "\n".join(["NAME:", "  start - start tunnels by name", "USAGE:"] + ["  "] * 27)

PAGE = """<!DOCTYPE html><html><head><title>{code}</title></head>
<body><h1>The endpoint is offline.</h1><p>{code}</p></body></html>"""

ERRORS = {
    "4018": "authentication failed: Usage of ngrok requires a verified account and "
    "authtoken.\n\nSign up for an account: https://dashboard.ngrok.com/signup\n"
    "Install your authtoken: https://dashboard.ngrok.com/get-started/your-authtoken"
    "\r\n\r\nERR_NGROK_4018\r\n",
    "105": "authentication failed: The authtoken you specified does not look like a "
    "proper ngrok authtoken.\nYour authtoken: {token}\nInstructions to install your "
    "authtoken are on your ngrok dashboard:\n"
    "https://dashboard.ngrok.com/get-started/your-authtoken\r\n\r\nERR_NGROK_105\r\n",
    "107": "authentication failed: The authtoken you specified is properly formed, but "
    "it is invalid.\nYour authtoken: {token}\nThis usually happens when:\n"
    "    - You reset your authtoken\n\r\n\r\nERR_NGROK_107\r\n",
    "108": "authentication failed: Your account is limited to 1 simultaneous ngrok "
    "agent sessions.\nYou can view your current agent sessions in the dashboard:\n"
    "https://dashboard.ngrok.com/agents\r\n\r\nERR_NGROK_108\r\n",
    "121": 'authentication failed: Your ngrok-agent version "3.0.4" is too old. The '
    'minimum supported agent version for your account is "3.7.0".'
    "\r\n\r\nERR_NGROK_121\r\n",
    "9040": "authentication failed: We do not allow agents to connect to ngrok from "
    "your IP address (192.0.2.7).\r\n\r\nERR_NGROK_9040\r\n",
    "999": "authentication failed: Something new.\nMore.\r\n\r\nERR_NGROK_999\r\n",
    "334": "failed to start tunnel: The endpoint 'https://x.ngrok-free.dev' is already "
    "online. Either\n1. stop your existing endpoint first, or\n2. start both endpoints "
    "with `--pooling-enabled` to load balance between them.\r\n\r\nERR_NGROK_334\r\n",
    "320": "failed to start tunnel: This domain is reserved for another account.\n"
    "\r\n\r\nERR_NGROK_320\r\n",
}
