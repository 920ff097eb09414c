"""Seconds, bytes, units and times as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

_KIB = 1024


def duration(seconds: float) -> str:
    """Return `9.4s`, `1m 32s` or `2h 05m`."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def clock_face(seconds: float) -> str:
    """Return `0:42` or `1:02:03`, for a figure that changes in place."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{rest // 60}:{rest % 60:02d}"


def size(n_bytes: float) -> str:
    """Return `812 B`, `1.2 MB`; powers of 1024."""
    if n_bytes < _KIB:
        return f"{int(n_bytes)} B"
    value = float(n_bytes)
    for unit in ("KB", "MB", "GB"):
        value /= _KIB
        if value < _KIB or unit == "GB":
            break
    return f"{value:.1f} {unit}"


def units(amount: float) -> str:
    """Return `4 units`, `0.8 units`, `1 unit`."""
    return f"{amount:g} unit{'' if amount == 1 else 's'}"


def moment(when: datetime) -> str:
    """Return `2026-10-04T12:00:03.250Z`."""
    text = when.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
