"""What a saved file is called. Pure but for the look at which names are taken."""

from __future__ import annotations

import os
import re
import string
import unicodedata
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from kling_cli.api.task import Output
from kling_cli.errors import UsageError

FIELDS = (
    *("task_id", "external_id", "product", "model", "prompt"),
    *("index", "ext", "date", "kind"),
)
_EXTENSIONS = {
    "video": "mp4",
    "subbed_video": "mp4",
    "product_video": "mp4",
    "product_image": "png",
    "model_images": "png",
    "image": "png",
    "audio": "mp3",
    "voice": "mp3",
    "srt": "srt",
    "ass": "ass",
    "face": "png",
    "tracking": "json",
}
_KNOWN = frozenset(
    {"mp4", "mov", "webm", "png", "jpg", "jpeg", "webp", "mp3", "wav", "srt", "ass"}
    | {"json"}
)
_UNSAFE = re.compile(r"[^A-Za-z0-9._+=@,\- ]+")
_NO_WORD = re.compile(r"[\W_]+")
_PROMPT_CHARS = 40
_PROMPT_BYTES = 100  # in UTF-8, where a character may be four
_LONGEST = 120  # characters of one value in a name; file systems allow 255 bytes in all
_NAME_BYTES = 255  # of one name, on most file systems
_SUFFIX_BYTES = 16  # what follows the last dot and is longer is no suffix


def check_template(template: str) -> None:
    """Refuse a template that cannot be filled in; better now than when all is paid.

    Raises:
        UsageError: an unknown field, braces that do not close, no such home folder.
    """
    try:
        for _, name, _, _ in string.Formatter().parse(template):
            if name is not None and name not in FIELDS:
                raise UsageError(
                    f"--output {template}: there is no field {{{name}}}",
                    hint=_fields_hint(),
                )
        Path(template.format_map(dict.fromkeys(FIELDS, "x"))).expanduser()
    except (ValueError, RuntimeError) as exc:
        raise UsageError(f"--output {template}: {exc}", hint=_fields_hint()) from exc


def target(
    template: str | None, folder: Path, values: dict[str, str], *, is_sole: bool
) -> Path:
    """Return where an output goes, before looking whether the name is free.

    `template` is None, a folder (existing, or ending in a slash), a file name, or holds
    fields. Values from the API are made harmless: they cannot leave the folder. With
    several outputs a name without the index gets it before its suffix.
    """
    safe = {
        name: prompt_part(value) if name == "prompt" else safe_value(value)
        for name, value in values.items()
    }
    default = "kling-{task_id}.{ext}" if is_sole else "kling-{task_id}-{index}.{ext}"
    if not template:
        return folder / default.format_map(safe)
    path = folder / Path(template.format_map(safe)).expanduser()
    if template.endswith(("/", "\\")) or os.path.isdir(path):  # noqa: PTH112 -- a name that is too long is no folder
        return path / default.format_map(safe)
    if is_sole or "{index" in template:
        return path
    return with_addition(path, f"-{safe['index']}")


def from_here(path: Path | str) -> str:
    """Return a path relative to the current folder if it lies below, or as it is."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere; or the current folder is gone
        return str(path)


def free_names(path: Path) -> Iterator[Path]:
    """Yield `path`, then `name-1.ext`, `name-2.ext` and so on."""
    yield path
    for number in count(1):  # pragma: no branch -- it never ends
        yield with_addition(path, f"-{number}")


def with_addition(path: Path, addition: str) -> Path:
    """Return the path with `addition` before its suffix.

    A name that would become longer than the file system takes loses the end of its
    stem instead; with no addition that is all that happens.
    """
    stem, suffix = path.stem, path.suffix
    if len(os.fsencode(suffix)) > _SUFFIX_BYTES:
        stem, suffix = path.name, ""
    return path.with_name(shortened(path.parent, stem, addition + suffix))


def shortened(folder: Path, stem: str, ending: str) -> str:
    """Return `stem` and `ending` as one name that `folder` takes, the stem cut to fit.

    It is cut between characters, never within the bytes of one.
    """
    room = longest_name_bytes(folder) - len(os.fsencode(ending))
    while stem and len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem + ending


def longest_name_bytes(folder: Path) -> int:
    """Return how many bytes a name in `folder` may have; at most 255."""
    try:
        return min(_NAME_BYTES, os.pathconf(folder, "PC_NAME_MAX"))
    except (OSError, ValueError):  # it is not there yet, or does not say
        return _NAME_BYTES


def safe_value(value: str) -> str:
    """Return `value` as one harmless part of a file name."""
    kept = _UNSAFE.sub("_", value)[:_LONGEST].strip(" ")
    return kept.lstrip(".") or "_"


def prompt_part(prompt: str) -> str:
    """Return a few words of a prompt, joined by hyphens, as a part of a file name.

    Letters of every script stay; a prompt without any is `untitled`.
    """
    words = _NO_WORD.sub("-", unicodedata.normalize("NFC", prompt)).strip("-")
    kept = words[:_PROMPT_CHARS]
    if len(kept) < len(words) and words[_PROMPT_CHARS] != "-" and "-" in kept:
        kept = kept.rpartition("-")[0]  # no half of a word
    short = kept.encode()[:_PROMPT_BYTES].decode("utf-8", "ignore")
    return short.strip("-") or "untitled"


def extension(output: Output, url: str) -> str:
    """Return the suffix for an output: that of its URL when known, else of its type."""
    try:
        suffix = urlsplit(url).path.rpartition(".")[2].lower()
    except ValueError:  # no URL at all; fetching it will say so
        suffix = ""
    return suffix if suffix in _KNOWN else _EXTENSIONS.get(output.type, "bin")


def _fields_hint() -> str:
    return "fields are " + ", ".join(f"{{{name}}}" for name in FIELDS)
