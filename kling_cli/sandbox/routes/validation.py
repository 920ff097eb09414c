"""Validates the body of a create call: its values, and the ids that it names.

The ids of the reference's own examples are taken in every sandbox, so that what is
copied from there works. The wording is the API's for videos and voices, and a guess for
the other ids. Source: API reference, sections 2.6 to 2.8 and errors, read 2026-10-04.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kling_cli.products import body as bodies
from kling_cli.products import find, paths
from kling_cli.products.model import Model, Plan, Product, Route
from kling_cli.sandbox.media.outputs import Audio, Element, Output, Video, Voice
from kling_cli.sandbox.routes.responses import Refusal, refusal
from kling_cli.sandbox.routes.solutions import solution_message
from kling_cli.sandbox.state.library import ELEMENTS, VOICES
from kling_cli.sandbox.state.tasks import Phase

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import SandboxState

# Whose settings may be in camelCase too. Source: section 2.10.
CAMEL_CASE_PATHS = frozenset({"/solutions/talking_agent"})
# Observed. Source: API reference, section 2.6 and error table, read 2026-10-04; the
# code that goes with the first is not known.
DISCONTINUED = "The model '{name}' has been discontinued and is no longer available."

KEPT_S = 30 * 86_400  # how long a result can be built on

EXAMPLE_VIDEO = "880000000000000101"
EXAMPLE_AUDIO = "880000000000000201"
EXAMPLE_VOICE = "830000000000000301"

# Speech has voices of its own, which the first lip sync takes too. Source: section 3.3,
# as of October 2025.
SPEECH_VOICE_PATHS = frozenset({"/v1/audio/tts", "/v1/videos/lip-sync"})
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

Lookup = Callable[["SandboxState", str], bool]
"""Says whether the account has a thing of this id, ready to be used."""


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A create request that was understood: by which plan, and what it asks for."""

    plan: Plan
    body: Mapping[str, Any]
    values: Mapping[str, Any]

    @property
    def external_id(self) -> str | None:
        return _text_at(self.body, self.plan.route.external_id_at)

    @property
    def callback_url(self) -> str | None:
        return _text_at(self.body, self.plan.route.callback_url_at)


def parse_create(path: str, body: Any) -> CreateRequest | Refusal:
    """Return what a request to a create path asks for, or what is wrong with it."""
    found = find.by_path(path)
    if found is None:
        return refusal(1203)
    if not isinstance(body, dict):
        return refusal(1200)
    product, route, model = found
    body = _in_snake_case(body) if path in CAMEL_CASE_PATHS else body
    chosen = model or _choose_model(product, route, body)
    if isinstance(chosen, Refusal):
        return chosen
    plan = Plan(product=product, route=route, model=chosen)
    if message := solution_message(path, body) or _find_problem(plan, body):
        return refusal(1201, message)
    values, _ = bodies.read(product, route, chosen, body)
    return CreateRequest(plan, body, values)


def _find_problem(plan: Plan, body: Mapping[str, Any]) -> str | None:
    if problems := bodies.wire_check(plan, body):
        return problems[0].message
    for at in (plan.route.external_id_at, plan.route.callback_url_at):
        if at and not isinstance(value := paths.get(body, at) or "", str):
            return f"{at} value '{value}' is invalid"
    return None


def _in_snake_case(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with its settings under the names the page gives them first."""
    settings = body.get("settings")
    if not isinstance(settings, dict):
        return body
    named = {
        re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name): value
        for name, value in settings.items()
    }
    return {**body, "settings": named}


def _choose_model(
    product: Product, route: Route, body: Mapping[str, Any]
) -> Model | Refusal:
    """Return the model a legacy body names; a path with an unknown one is no path."""
    if route.model_at is None:
        return refusal(1203)
    name = body.get(route.model_at) or route.default_wire_id
    model = find.by_wire_id(product, route, str(name))
    if model is None:
        return refusal(1201, f"{route.model_at} value '{name}' is invalid")
    if model.status == "discontinued":
        return refusal(1203, DISCONTINUED.format(name=name))
    return model


def _text_at(body: Mapping[str, Any], path: str | None) -> str | None:
    return (paths.get(body, path) if path else None) or None


def find_unknown_id(
    state: SandboxState, path: str, body: Mapping[str, Any]
) -> Refusal | None:
    """Return the refusal of the first id in `body` that names nothing; None if none.

    Solutions have lists of their own, which the catalogue holds.
    """
    if path.startswith("/solutions/"):
        return None
    for key, value in _ids(body):
        has, message = _REFERENCES[key]
        if key == "voice_id" and path in SPEECH_VOICE_PATHS:
            has = _is_speech_voice
        if not has(state, str(value)):
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


def _outputs(state: SandboxState) -> Iterator[Output]:
    """Yield what the account has made and still has."""
    now = state.clock.now_s()
    for task in state.tasks:
        if task.phase_at(now) is Phase.SUCCEEDED and task.outcome.has_outputs:
            is_kept = now < task.times.ended_at + KEPT_S
            for output in task.outputs:
                if is_kept or isinstance(output, Voice | Element):
                    yield output


def _has_video(state: SandboxState, wanted: str) -> bool:
    return wanted == EXAMPLE_VIDEO or any(
        isinstance(each, Video) and each.id == wanted for each in _outputs(state)
    )


def _has_audio(state: SandboxState, wanted: str) -> bool:
    return (
        wanted == EXAMPLE_AUDIO
        or wanted in state.audio_s
        or any(
            isinstance(each, Audio) and each.id == wanted for each in _outputs(state)
        )
    )


def _has_voice(state: SandboxState, wanted: str) -> bool:
    presets = (preset.output for preset in VOICES)
    return wanted == EXAMPLE_VOICE or any(
        isinstance(each, Voice) and each.id == wanted and not each.is_deleted
        for each in (*presets, *_outputs(state))
    )


def _has_element(state: SandboxState, wanted: str) -> bool:
    presets = (preset.output for preset in ELEMENTS)
    return any(
        isinstance(each, Element) and each.id == wanted and not each.is_deleted
        for each in (*presets, *_outputs(state), *state.first_elements.values())
    )


def _is_speech_voice(_state: SandboxState, wanted: str) -> bool:
    return wanted in SPEECH_VOICES


VOICE_NOT_FOUND = "Voice id not found"
_REFERENCES: Mapping[str, tuple[Lookup, str]] = {
    "video_id": (_has_video, "From video not found by id: {id}"),
    "audio_id": (_has_audio, "Audio not found by id: {id}"),
    "voice_id": (_has_voice, VOICE_NOT_FOUND),
    "element_voice_id": (_has_voice, VOICE_NOT_FOUND),
    "element_id": (_has_element, "Element id not found"),
}
