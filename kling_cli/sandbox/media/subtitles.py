"""Subtitle files, SRT or ASS: a line every two seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_EVERY_S = 2
_LINES = ("This is the sandbox.", "Nobody said this line.", "It is read, not heard.")
_ASS_HEAD = """\
[Script Info]
Title: Kling sandbox, task {label}
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Alignment, MarginL, MarginR, MarginV
Style: Default,Arial,{font_size},&H00FFFFFF,2,40,40,{margin}

[Events]
Format: Layer, Start, End, Style, Text
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtitles:
    """Subtitles for a video of `seconds`; sizes are in pixels of the video."""

    seconds: int
    label: str
    kind: Literal["srt", "ass"]
    width: int
    height: int
    font_size: int
    margin: int

    @property
    def media_type(self) -> str:
        return "application/x-subrip" if self.kind == "srt" else "text/x-ssa"

    def render(self) -> bytes:
        starts = range(0, max(1, self.seconds), _EVERY_S)
        text = self._srt(starts) if self.kind == "srt" else self._ass(starts)
        return text.encode()

    def _srt(self, starts: range) -> str:
        return "\n".join(
            f"{number}\n{_time(start)},000 --> {_time(self._end(start))},000\n"
            f"{_words(number)}\n"
            for number, start in enumerate(starts, 1)
        )

    def _ass(self, starts: range) -> str:
        head = _ASS_HEAD.format(
            label=self.label,
            width=self.width,
            height=self.height,
            font_size=self.font_size,
            margin=self.margin,
        )
        return head + "".join(
            f"Dialogue: 0,{_time(start)[1:]}.00,{_time(self._end(start))[1:]}.00,"
            f"Default,{_words(number)}\n"
            for number, start in enumerate(starts, 1)
        )

    def _end(self, start: int) -> int:
        return min(start + _EVERY_S, max(1, self.seconds))


def _words(number: int) -> str:
    return _LINES[(number - 1) % len(_LINES)]


def _time(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
