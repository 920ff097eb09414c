"""File names of saved outputs. Pure, but for what the file system allows."""

from __future__ import annotations

import os
import re
import string
import unicodedata
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from kling_cli.errors import UsageError

FIELDS = (
    *("task_id", "external_id", "product", "model", "prompt"),
    *("index", "ext", "date", "kind"),
)
_UNSAFE = re.compile(r"[^A-Za-z0-9._+=@,\- ]+")
_NON_WORD = re.compile(r"[\W_]+")
_PROMPT_CHARS = 40
_PROMPT_BYTES = 100  # in UTF-8, where a character may be four
_MAX_VALUE_CHARS = (
    120  # characters of one value in a name; file systems allow 255 bytes in all
)
_NAME_BYTES = 255  # of one name, on most file systems
_SUFFIX_BYTES = 16  # what follows the last dot and is longer is no suffix


def check_template(template: str) -> None:
    """Refuse a template that cannot be filled in.

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


def output_path(
    template: str | None, folder: Path, values: dict[str, str], *, is_sole: bool
) -> Path:
    """Return the path of an output, whether or not the name is taken.

    `template` is None, a folder (existing, or ending in a slash), or a file name; it
    may have fields. Values are made safe: they cannot leave the folder. With several
    outputs a name without the index gets it before its suffix.
    """
    safe = {
        name: prompt_slug(value) if name == "prompt" else safe_value(value)
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
    return append_to_stem(path, f"-{safe['index']}")


def relative_to_cwd(path: Path | str) -> str:
    """Return a path relative to the current folder if it is below, or unchanged."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere; or the current folder is gone
        return str(path)


def candidate_paths(path: Path) -> Iterator[Path]:
    """Yield `path`, then `name-1.ext`, `name-2.ext` and so on."""
    yield path
    for number in count(1):  # pragma: no branch -- it never ends
        yield append_to_stem(path, f"-{number}")


def append_to_stem(path: Path, addition: str) -> Path:
    """Return the path with `addition` before its suffix.

    The end of the stem is cut off if the name is too long for the file system, even
    with an empty addition.
    """
    stem, suffix = path.stem, path.suffix
    if len(os.fsencode(suffix)) > _SUFFIX_BYTES:
        stem, suffix = path.name, ""
    return path.with_name(fit_name(path.parent, stem, addition + suffix))


def fit_name(folder: Path, stem: str, ending: str) -> str:
    """Return `stem` and `ending` as a name that fits `folder`, the stem cut if need be.

    It is cut between characters, never within the bytes of one.
    """
    max_stem_bytes = longest_name_bytes(folder) - len(os.fsencode(ending))
    while stem and len(os.fsencode(stem)) > max_stem_bytes:
        stem = stem[:-1]
    return stem + ending


def longest_name_bytes(folder: Path) -> int:
    """Return the longest name in `folder` in bytes; at most 255."""
    try:
        return min(_NAME_BYTES, os.pathconf(folder, "PC_NAME_MAX"))
    except (OSError, ValueError):  # it is not there yet, or does not say
        return _NAME_BYTES


def safe_value(value: str) -> str:
    """Return `value` as a safe part of a file name."""
    safe = _UNSAFE.sub("_", value)[:_MAX_VALUE_CHARS].strip(" ")
    return safe.lstrip(".") or "_"


def prompt_slug(prompt: str) -> str:
    """Return the first words of a prompt, joined by hyphens, for a file name.

    Letters of every script stay; a prompt without letters is `untitled`.
    """
    words = _NON_WORD.sub("-", unicodedata.normalize("NFC", prompt)).strip("-")
    slug = words[:_PROMPT_CHARS]
    if len(slug) < len(words) and words[_PROMPT_CHARS] != "-" and "-" in slug:
        slug = slug.rpartition("-")[0]  # no half of a word
    short = slug.encode()[:_PROMPT_BYTES].decode("utf-8", "ignore")
    return short.strip("-") or "untitled"


def _fields_hint() -> str:
    return "fields are " + ", ".join(f"{{{name}}}" for name in FIELDS)
