"""The library's presets: voices and elements that the service has for everybody.

Source: API reference, section 2.8, read 2026-10-04.
"""

from __future__ import annotations

from dataclasses import dataclass

from kling_cli.sandbox.media.audio import Sound
from kling_cli.sandbox.media.image import Picture
from kling_cli.sandbox.media.outputs import Element, Output, Voice

OWNER = "kling"


@dataclass(frozen=True, slots=True)
class Preset:
    """A voice or element of the service, under the id of a task of its own."""

    task_id: str
    output: Output


def _voice(number: int, name: str) -> Preset:
    sample = Sound(seconds=3.0, label=f"preset {name}", kind="mp3")
    made = Voice(id=f"82{number:016d}", name=name, sample=sample, owner=OWNER)
    return Preset(f"81{number:016d}", made)


def _element(number: int, name: str, words: str, tag: str) -> Preset:
    front, side = (
        Picture(width=1024, height=1024, label=f"preset {name} {view}")
        for view in ("front", "side")
    )
    made = Element(
        id=f"32{number:013d}",
        name=name,
        description=words,
        reference_type="image_refer",
        frontal=front,
        refers=(side,),
        tags=(tag,),
        owner=OWNER,
    )
    return Preset(f"31{number:016d}", made)


VOICES = (_voice(1, "Ann"), _voice(2, "Ben"), _voice(3, "Cleo"))
ELEMENTS = (
    _element(1, "Hero", "a person in a red coat", "o_102"),
    _element(2, "Tea house", "a room with paper walls", "o_106"),
)
FILES = {preset.task_id: preset.output.files for preset in (*VOICES, *ELEMENTS)}
