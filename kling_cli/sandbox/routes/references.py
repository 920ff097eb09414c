"""Checks that the ids in a create body name things that the account has.

The ids of the reference's own examples are taken in every sandbox, so that what is
copied from there works. The wording is the API's for videos and voices, and a guess for
the rest. Source: API reference, sections 2.6 to 2.8 and errors, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.media.library import Element, Voice
from kling_cli.sandbox.media.outputs import Audio, Output, Video
from kling_cli.sandbox.routes.envelope import Refusal, refusal
from kling_cli.sandbox.state.library import ELEMENTS, VOICES
from kling_cli.sandbox.state.tasks import Phase

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import World

KEPT_S = 30 * 86_400  # how long a result can be built on

EXAMPLE_VIDEO = "880000000000000101"
EXAMPLE_AUDIO = "880000000000000201"
EXAMPLE_VOICE = "830000000000000301"
EXAMPLE_SESSIONS = frozenset(
    {
        "880000000000000401",
        "880000000000000501",
        "880000000000000502",
        "880000000000000503",
    }
)

# Speech has voices of its own, which the first lip sync takes too. Source: section 3.3,
# as of October 2025.
SPEAKING = frozenset({"/v1/audio/tts", "/v1/videos/lip-sync"})
SPEECH_VOICES = frozenset(
    """
    ai_chenjiahao_712 ai_huangyaoshi_712 ai_huangzhong_712 ai_kaiya
    ai_laoguowang_712 ai_shatang ai_taiwan_man2_speech02 AOT calm_story1
    cartoon-boy-07 cartoon-girl-01 chaoshandashu_speech02 chat1_female_new-3
    chat_0407_5-1 chengshu_jiejie chongqingxiaohuo_speech02 chuanmeizi_speech02
    commercial_lady_en_f-v1 daopianyansang-v1 diyinnansang_DB_CN_M_04-v2
    dongbeilaotie_speech02 genshin_kirara genshin_klee2 genshin_vindi2
    girlfriend_1_speech02 girlfriend_2_speech02 girlfriend_4_speech02
    heainainai_speech02 laopopo_speech02 mengwa-v1 oversea_male1 PeppaPig_platform
    reader_en_m-v1 tianjinjiejie_speech02 tianmeixuemei-v1 tiexin_nanyou
    tiyuxi_xuedi uk_boy1 uk_man2 uk_oldman3 xianzhanggui_speech02 yizhipiannan-v1
    you_pingjing zhinen_xuesheng zhuxi_speech02
    """.split()  # noqa: SIM905 -- a table of words
)

Has = Callable[["World", str], bool]
"""Says whether the account has a thing of this id, ready to be used."""


def unknown_reference(
    world: World, path: str, body: Mapping[str, Any]
) -> Refusal | None:
    """Return the refusal of the first id in `body` that names nothing; None if none.

    Solutions have lists of their own, which the catalogue holds.
    """
    if path.startswith("/solutions/"):
        return None
    for key, value in _ids(body):
        has, message = _REFERENCES[key]
        if key == "voice_id" and path in SPEAKING:
            has = _is_speech_voice
        if not has(world, str(value)):
            return refusal(1201, message.format(id=value))
    return None


def _ids(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the ids in a body by their keys, however deep they are."""
    if isinstance(value, list):
        for each in value:
            yield from _ids(each)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key in _REFERENCES and isinstance(each, str | int):
                yield key, each
            else:
                yield from _ids(each)


def _outputs(world: World) -> Iterator[Output]:
    """Yield what the account has made and still has."""
    now = world.timeline.now_s()
    for task in world.tasks:
        if task.phase_at(now) is Phase.SUCCEEDED and task.ending.has_outputs:
            is_kept = now < task.times.ended_at + KEPT_S
            for output in task.outputs:
                if is_kept or isinstance(output, Voice | Element):
                    yield output


def _has_video(world: World, wanted: str) -> bool:
    return wanted == EXAMPLE_VIDEO or any(
        isinstance(each, Video) and each.id == wanted for each in _outputs(world)
    )


def _has_audio(world: World, wanted: str) -> bool:
    return (
        wanted == EXAMPLE_AUDIO
        or wanted in world.known_s
        or any(
            isinstance(each, Audio) and each.id == wanted for each in _outputs(world)
        )
    )


def _has_voice(world: World, wanted: str) -> bool:
    presets = (preset.output for preset in VOICES)
    return wanted == EXAMPLE_VOICE or any(
        isinstance(each, Voice) and each.id == wanted and not each.is_deleted
        for each in (*presets, *_outputs(world))
    )


def _has_element(world: World, wanted: str) -> bool:
    presets = (preset.output for preset in ELEMENTS)
    return any(
        isinstance(each, Element) and each.id == wanted and not each.is_deleted
        for each in (*presets, *_outputs(world), *world.first_elements.values())
    )


def _is_speech_voice(_world: World, wanted: str) -> bool:
    return wanted in SPEECH_VOICES


VOICE_NOT_FOUND = "Voice id not found"
_REFERENCES: Mapping[str, tuple[Has, str]] = {
    "video_id": (_has_video, "From video not found by id: {id}"),
    "audio_id": (_has_audio, "Audio not found by id: {id}"),
    "voice_id": (_has_voice, VOICE_NOT_FOUND),
    "element_voice_id": (_has_voice, VOICE_NOT_FOUND),
    "element_id": (_has_element, "Element id not found"),
}
