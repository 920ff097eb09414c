# Written by `python -m docs.maker` from the catalogue: change the catalogue.
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Generic, Literal, TypeVar

from kling_cli.python_api.job import BaseJob, OnEvent

ResultT = TypeVar("ResultT")

class Products(Generic[ResultT]):
    """What can be made, a method each."""

    def text2video(
        self,
        prompt: str | None = None,
        *,
        duration: int | None = None,
        resolution: Literal["720p", "1080p", "4k"] | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None,
        sound: bool | None = None,
        negative_prompt: str | None = None,
        multi_shot: bool | None = None,
        shot: str | Sequence[str] | None = None,
        shot_type: Literal["customize", "intelligence"] | None = None,
        voice: str | Sequence[str] | Mapping[str, str] | None = None,
        camera: Mapping[str, Any] | Sequence[Any] | str | None = None,
        cfg_scale: float | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Make a video from a prompt.

        Args:
            prompt: What to see and hear. Wishes against something go into the same text
                on the new models. At most 3072 characters (kling-3.0-turbo, kling-3.0),
                otherwise at most 2500 characters.
            duration: Length in seconds (default: 5). 3 to 15 (kling-3.0-turbo,
                kling-3.0), otherwise 5 or 10.
            resolution: Picture size (default: 720p where the model has it). 720p, 1080p
                or 4k (kling-3.0), otherwise 720p or 1080p. Not with kling-v2-1-master
                or kling-v2-master.
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16 or
                1:1.
            sound: Make matching sound too (default: no; Kling 3.0 Turbo always does).
                Only with kling-3.0 or kling-2.6.
            negative_prompt: What to avoid; older request bodies only, so it needs a
                model that has one. At most 2500 characters. Not with kling-3.0-turbo.
            multi_shot: Read a prompt of the form `shot 1, 2, words; shot 2, 3, words;`
                as single shots (default: yes where the model can). Only with kling-3.0.
            shot: One shot of a storyboard, up to six times; in place of the prompt, and
                the seconds add up to the duration. At most 6. Only with kling-3.0-turbo
                or kling-3.0.
            shot_type: Who cuts the shots: you (customize) or the model (intelligence).
                customize or intelligence. Only with kling-3.0.
            voice: A voice, preset or your own, for a video with sound; the prompt may
                call it @NAME (default: @voice_1, @voice_2). At most 2. Only with
                kling-3.0 or kling-2.6.
            camera: A camera move of the v1 models, as JSON or `@file.json`. Newer
                models take it from the prompt.
            cfg_scale: How closely to follow the prompt, 0 to 1 (default: 0.5; v1 models
                only). 0 to 1. Only with kling-v1-6.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-3.0-turbo, kling-3.0, kling-2.6, kling-2.5-turbo,
                kling-v2-1-master, kling-v2-master, kling-v1-6 (default: the newest that
                fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_text2video(
        self,
        prompt: str | None = None,
        *,
        duration: int | None = None,
        resolution: Literal["720p", "1080p", "4k"] | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None,
        sound: bool | None = None,
        negative_prompt: str | None = None,
        multi_shot: bool | None = None,
        shot: str | Sequence[str] | None = None,
        shot_type: Literal["customize", "intelligence"] | None = None,
        voice: str | Sequence[str] | Mapping[str, str] | None = None,
        camera: Mapping[str, Any] | Sequence[Any] | str | None = None,
        cfg_scale: float | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Make a video from a prompt.

        Args:
            prompt: What to see and hear. Wishes against something go into the same text
                on the new models. At most 3072 characters (kling-3.0-turbo, kling-3.0),
                otherwise at most 2500 characters.
            duration: Length in seconds (default: 5). 3 to 15 (kling-3.0-turbo,
                kling-3.0), otherwise 5 or 10.
            resolution: Picture size (default: 720p where the model has it). 720p, 1080p
                or 4k (kling-3.0), otherwise 720p or 1080p. Not with kling-v2-1-master
                or kling-v2-master.
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16 or
                1:1.
            sound: Make matching sound too (default: no; Kling 3.0 Turbo always does).
                Only with kling-3.0 or kling-2.6.
            negative_prompt: What to avoid; older request bodies only, so it needs a
                model that has one. At most 2500 characters. Not with kling-3.0-turbo.
            multi_shot: Read a prompt of the form `shot 1, 2, words; shot 2, 3, words;`
                as single shots (default: yes where the model can). Only with kling-3.0.
            shot: One shot of a storyboard, up to six times; in place of the prompt, and
                the seconds add up to the duration. At most 6. Only with kling-3.0-turbo
                or kling-3.0.
            shot_type: Who cuts the shots: you (customize) or the model (intelligence).
                customize or intelligence. Only with kling-3.0.
            voice: A voice, preset or your own, for a video with sound; the prompt may
                call it @NAME (default: @voice_1, @voice_2). At most 2. Only with
                kling-3.0 or kling-2.6.
            camera: A camera move of the v1 models, as JSON or `@file.json`. Newer
                models take it from the prompt.
            cfg_scale: How closely to follow the prompt, 0 to 1 (default: 0.5; v1 models
                only). 0 to 1. Only with kling-v1-6.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-3.0-turbo, kling-3.0, kling-2.6, kling-2.5-turbo,
                kling-v2-1-master, kling-v2-master, kling-v1-6 (default: the newest that
                fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def image2video(
        self,
        image: str | PathLike[str] | None = None,
        prompt: str | None = None,
        *,
        last_frame: str | PathLike[str] | None = None,
        duration: int | None = None,
        resolution: Literal["720p", "1080p", "4k"] | None = None,
        sound: bool | None = None,
        negative_prompt: str | None = None,
        element: str | Sequence[str] | Mapping[str, str] | None = None,
        voice: str | Sequence[str] | Mapping[str, str] | None = None,
        multi_shot: bool | None = None,
        shot: str | Sequence[str] | None = None,
        shot_type: Literal["customize", "intelligence"] | None = None,
        camera: Mapping[str, Any] | Sequence[Any] | str | None = None,
        static_mask: str | PathLike[str] | None = None,
        dynamic_masks: Mapping[str, Any] | Sequence[Any] | str | None = None,
        cfg_scale: float | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Make a video from a first frame.

        Args:
            image: First frame: a local file or a URL; jpg or png, at least 300 px a
                side, ratio between 1:2.5 and 2.5:1.
            prompt: What to see and hear. Wishes against something go into the same text
                on the new models. At most 3072 characters (kling-3.0), otherwise at
                most 2500 characters.
            last_frame: Frame to end on: a local file or a URL, with the same limits as
                the first. Not with kling-3.0-turbo, kling-v2-1-master or
                kling-v2-master.
            duration: Length in seconds (default: 5). 3 to 15 (kling-3.0-turbo,
                kling-3.0), otherwise 5 or 10.
            resolution: Picture size (default: 720p where the model has it). 720p, 1080p
                or 4k (kling-3.0), otherwise 720p or 1080p. Not with kling-v2-1-master
                or kling-v2-master.
            sound: Make matching sound too (default: no; Kling 3.0 Turbo always does).
                Only with kling-3.0 or kling-2.6.
            negative_prompt: What to avoid; older request bodies only, so it needs a
                model that has one. At most 2500 characters. Not with kling-3.0-turbo.
            element: An element of your library; the prompt may call it @NAME (default:
                @element_1, @element_2, …). At most 3. Only with kling-3.0.
            voice: A voice, preset or your own, for a video with sound; the prompt may
                call it @NAME (default: @voice_1, @voice_2). At most 2. Only with
                kling-3.0 or kling-2.6.
            multi_shot: Read a prompt of the form `shot 1, 2, words; shot 2, 3, words;`
                as single shots (default: yes where the model can). Only with kling-3.0.
            shot: One shot of a storyboard, up to six times; in place of the prompt, and
                the seconds add up to the duration. At most 6. Only with kling-3.0-turbo
                or kling-3.0.
            shot_type: Who cuts the shots: you (customize) or the model (intelligence).
                customize or intelligence. Only with kling-3.0.
            camera: A camera move of the v1 models, as JSON or `@file.json`. Newer
                models take it from the prompt. Only with kling-v1-5.
            static_mask: Motion brush: the area that stays still; same ratio as the
                image. Only with kling-v1-5.
            dynamic_masks: Motion brush: up to six areas and their paths, as JSON or
                `@file.json`. At most 6. Only with kling-v1-5.
            cfg_scale: How closely to follow the prompt, 0 to 1 (default: 0.5; v1 models
                only). 0 to 1. Only with kling-v1-6 or kling-v1-5.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-3.0-turbo, kling-3.0, kling-2.6, kling-2.5-turbo,
                kling-v2-1, kling-v2-1-master, kling-v2-master, kling-v1-6, kling-v1-5
                (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_image2video(
        self,
        image: str | PathLike[str] | None = None,
        prompt: str | None = None,
        *,
        last_frame: str | PathLike[str] | None = None,
        duration: int | None = None,
        resolution: Literal["720p", "1080p", "4k"] | None = None,
        sound: bool | None = None,
        negative_prompt: str | None = None,
        element: str | Sequence[str] | Mapping[str, str] | None = None,
        voice: str | Sequence[str] | Mapping[str, str] | None = None,
        multi_shot: bool | None = None,
        shot: str | Sequence[str] | None = None,
        shot_type: Literal["customize", "intelligence"] | None = None,
        camera: Mapping[str, Any] | Sequence[Any] | str | None = None,
        static_mask: str | PathLike[str] | None = None,
        dynamic_masks: Mapping[str, Any] | Sequence[Any] | str | None = None,
        cfg_scale: float | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Make a video from a first frame.

        Args:
            image: First frame: a local file or a URL; jpg or png, at least 300 px a
                side, ratio between 1:2.5 and 2.5:1.
            prompt: What to see and hear. Wishes against something go into the same text
                on the new models. At most 3072 characters (kling-3.0), otherwise at
                most 2500 characters.
            last_frame: Frame to end on: a local file or a URL, with the same limits as
                the first. Not with kling-3.0-turbo, kling-v2-1-master or
                kling-v2-master.
            duration: Length in seconds (default: 5). 3 to 15 (kling-3.0-turbo,
                kling-3.0), otherwise 5 or 10.
            resolution: Picture size (default: 720p where the model has it). 720p, 1080p
                or 4k (kling-3.0), otherwise 720p or 1080p. Not with kling-v2-1-master
                or kling-v2-master.
            sound: Make matching sound too (default: no; Kling 3.0 Turbo always does).
                Only with kling-3.0 or kling-2.6.
            negative_prompt: What to avoid; older request bodies only, so it needs a
                model that has one. At most 2500 characters. Not with kling-3.0-turbo.
            element: An element of your library; the prompt may call it @NAME (default:
                @element_1, @element_2, …). At most 3. Only with kling-3.0.
            voice: A voice, preset or your own, for a video with sound; the prompt may
                call it @NAME (default: @voice_1, @voice_2). At most 2. Only with
                kling-3.0 or kling-2.6.
            multi_shot: Read a prompt of the form `shot 1, 2, words; shot 2, 3, words;`
                as single shots (default: yes where the model can). Only with kling-3.0.
            shot: One shot of a storyboard, up to six times; in place of the prompt, and
                the seconds add up to the duration. At most 6. Only with kling-3.0-turbo
                or kling-3.0.
            shot_type: Who cuts the shots: you (customize) or the model (intelligence).
                customize or intelligence. Only with kling-3.0.
            camera: A camera move of the v1 models, as JSON or `@file.json`. Newer
                models take it from the prompt. Only with kling-v1-5.
            static_mask: Motion brush: the area that stays still; same ratio as the
                image. Only with kling-v1-5.
            dynamic_masks: Motion brush: up to six areas and their paths, as JSON or
                `@file.json`. At most 6. Only with kling-v1-5.
            cfg_scale: How closely to follow the prompt, 0 to 1 (default: 0.5; v1 models
                only). 0 to 1. Only with kling-v1-6 or kling-v1-5.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-3.0-turbo, kling-3.0, kling-2.6, kling-2.5-turbo,
                kling-v2-1, kling-v2-1-master, kling-v2-master, kling-v1-6, kling-v1-5
                (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def omni_video(
        self,
        prompt: str | None = None,
        *,
        image: str | PathLike[str] | Sequence[str | PathLike[str]] | Mapping[str, str | PathLike[str]] | None = None,
        element: str | Sequence[str] | Mapping[str, str] | None = None,
        first_frame: str | PathLike[str] | None = None,
        last_frame: str | PathLike[str] | None = None,
        edit: str | None = None,
        video: str | None = None,
        duration: int | None = None,
        resolution: Literal["720p", "1080p", "4k"] | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None,
        sound: bool | None = None,
        keep_sound: bool | None = None,
        multi_shot: bool | None = None,
        shot: str | Sequence[str] | None = None,
        shot_type: Literal["customize", "intelligence"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Make or edit a video from words, images and videos.

        Args:
            prompt: What to see and hear; inputs are called @NAME. `-` reads it from
                standard input. At most 3072 characters (kling-3.0-omni), at most 2500
                characters (kling-o1).
            image: An image to refer to, a local file or a URL; the prompt may call it
                @NAME (default: @image_1, @image_2, …). At most 7.
            element: An element of your library; the prompt may call it @NAME (default:
                @element_1, @element_2, …). At most 7.
            first_frame: Frame to begin with: a local file or a URL; the prompt may call
                it @NAME (default: @first_frame).
            last_frame: Frame to end on, beside a first one; the prompt may call it
                @NAME (default: @last_frame).
            edit: The URL of a video to change, which keeps its length: mp4 or mov, at
                most 200 MB, 3 to 15.5 s (kling-o1: 10 s), 700 px a side or more; the
                prompt may call it @NAME (default: @video_1).
            video: The URL of a video to take style, motion or shots from, with the
                limits of `--edit`; the prompt may call it @NAME (default: @video_1).
            duration: Length in seconds (default: 5). 3 to 15 (kling-3.0-omni), 3 to 10
                (kling-o1).
            resolution: Picture size (default: 720p where the model has it). 720p, 1080p
                or 4k (kling-3.0-omni), 720p or 1080p (kling-o1).
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16 or
                1:1.
            sound: Make matching sound too (default: no). Only with kling-3.0-omni.
            keep_sound: Keep the sound of the video that is edited (default: no).
            multi_shot: Read a prompt of the form `shot 1, 2, words; shot 2, 3, words;`
                as single shots (default: yes where the model can). Only with
                kling-3.0-omni.
            shot: One shot of a storyboard, up to six times; in place of the prompt, and
                the seconds add up to the duration. At most 6. Only with kling-3.0-omni.
            shot_type: Who cuts the shots: you (customize) or the model (intelligence).
                customize or intelligence. Only with kling-3.0-omni.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-3.0-omni, kling-o1 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_omni_video(
        self,
        prompt: str | None = None,
        *,
        image: str | PathLike[str] | Sequence[str | PathLike[str]] | Mapping[str, str | PathLike[str]] | None = None,
        element: str | Sequence[str] | Mapping[str, str] | None = None,
        first_frame: str | PathLike[str] | None = None,
        last_frame: str | PathLike[str] | None = None,
        edit: str | None = None,
        video: str | None = None,
        duration: int | None = None,
        resolution: Literal["720p", "1080p", "4k"] | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None,
        sound: bool | None = None,
        keep_sound: bool | None = None,
        multi_shot: bool | None = None,
        shot: str | Sequence[str] | None = None,
        shot_type: Literal["customize", "intelligence"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Make or edit a video from words, images and
        videos.

        Args:
            prompt: What to see and hear; inputs are called @NAME. `-` reads it from
                standard input. At most 3072 characters (kling-3.0-omni), at most 2500
                characters (kling-o1).
            image: An image to refer to, a local file or a URL; the prompt may call it
                @NAME (default: @image_1, @image_2, …). At most 7.
            element: An element of your library; the prompt may call it @NAME (default:
                @element_1, @element_2, …). At most 7.
            first_frame: Frame to begin with: a local file or a URL; the prompt may call
                it @NAME (default: @first_frame).
            last_frame: Frame to end on, beside a first one; the prompt may call it
                @NAME (default: @last_frame).
            edit: The URL of a video to change, which keeps its length: mp4 or mov, at
                most 200 MB, 3 to 15.5 s (kling-o1: 10 s), 700 px a side or more; the
                prompt may call it @NAME (default: @video_1).
            video: The URL of a video to take style, motion or shots from, with the
                limits of `--edit`; the prompt may call it @NAME (default: @video_1).
            duration: Length in seconds (default: 5). 3 to 15 (kling-3.0-omni), 3 to 10
                (kling-o1).
            resolution: Picture size (default: 720p where the model has it). 720p, 1080p
                or 4k (kling-3.0-omni), 720p or 1080p (kling-o1).
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16 or
                1:1.
            sound: Make matching sound too (default: no). Only with kling-3.0-omni.
            keep_sound: Keep the sound of the video that is edited (default: no).
            multi_shot: Read a prompt of the form `shot 1, 2, words; shot 2, 3, words;`
                as single shots (default: yes where the model can). Only with
                kling-3.0-omni.
            shot: One shot of a storyboard, up to six times; in place of the prompt, and
                the seconds add up to the duration. At most 6. Only with kling-3.0-omni.
            shot_type: Who cuts the shots: you (customize) or the model (intelligence).
                customize or intelligence. Only with kling-3.0-omni.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-3.0-omni, kling-o1 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def motion_control(
        self,
        image: str | PathLike[str],
        video: str,
        prompt: str | None = None,
        *,
        orientation: Literal["image", "video"] | None = None,
        element: str | Sequence[str] | Mapping[str, str] | None = None,
        keep_sound: bool | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Let a character move as somebody does in a video.

        Args:
            image: The character, head and body visible: a local file or a URL; jpg or
                png, at least 300 px a side.
            video: The URL of the motion: mp4 or mov, at most 100 MB, 340 to 3850 px a
                side, 3 to 30 s (10 s with `--orientation image`).
            prompt: What else to see. At most 2500 characters.
            orientation: Which input decides where the character faces; needed. image or
                video.
            element: An element of your library; the prompt may call it @NAME (default:
                @element_1, @element_2, …). At most 1. Only with kling-3.0.
            keep_sound: Keep the sound of the motion video (default: yes).
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-3.0, kling-2.6 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_motion_control(
        self,
        image: str | PathLike[str],
        video: str,
        prompt: str | None = None,
        *,
        orientation: Literal["image", "video"] | None = None,
        element: str | Sequence[str] | Mapping[str, str] | None = None,
        keep_sound: bool | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Let a character move as somebody does in a
        video.

        Args:
            image: The character, head and body visible: a local file or a URL; jpg or
                png, at least 300 px a side.
            video: The URL of the motion: mp4 or mov, at most 100 MB, 340 to 3850 px a
                side, 3 to 30 s (10 s with `--orientation image`).
            prompt: What else to see. At most 2500 characters.
            orientation: Which input decides where the character faces; needed. image or
                video.
            element: An element of your library; the prompt may call it @NAME (default:
                @element_1, @element_2, …). At most 1. Only with kling-3.0.
            keep_sound: Keep the sound of the motion video (default: yes).
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-3.0, kling-2.6 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def avatar(
        self,
        image: str | PathLike[str],
        prompt: str | None = None,
        *,
        audio: str | PathLike[str] | None = None,
        audio_id: str | BaseJob | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Let a portrait speak: one image and a sound.

        Args:
            image: The portrait: a local file or a URL; jpg or png, at least 300 px a
                side, ratio between 1:2.5 and 2.5:1.
            prompt: Action, mood and camera. At most 2500 characters.
            audio: What to say or sing: a local file or a URL; mp3, wav, m4a or aac, at
                most 5 MB, 2 to 300 s.
            audio_id: A sound made by `kling tts` instead, at most 30 days old: its id,
                or its task's.
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            watermark: Make a watermarked copy too (default: no).
            model: One of avatar (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_avatar(
        self,
        image: str | PathLike[str],
        prompt: str | None = None,
        *,
        audio: str | PathLike[str] | None = None,
        audio_id: str | BaseJob | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Let a portrait speak: one image and a sound.

        Args:
            image: The portrait: a local file or a URL; jpg or png, at least 300 px a
                side, ratio between 1:2.5 and 2.5:1.
            prompt: Action, mood and camera. At most 2500 characters.
            audio: What to say or sing: a local file or a URL; mp3, wav, m4a or aac, at
                most 5 MB, 2 to 300 s.
            audio_id: A sound made by `kling tts` instead, at most 30 days old: its id,
                or its task's.
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            watermark: Make a watermarked copy too (default: no).
            model: One of avatar (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def multi_image2video(
        self,
        prompt: str,
        *,
        subject: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        negative_prompt: str | None = None,
        duration: int | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Bring up to four subjects into one video (historic).

        Args:
            prompt: What to see and hear. Wishes against something go into the same text
                on the new models. At most 2500 characters.
            subject: A subject, one to four times: a local file or a URL; jpg or png, at
                least 300 px a side. Nothing is cropped. At most 4.
            negative_prompt: What to avoid; older request bodies only, so it needs a
                model that has one. At most 2500 characters.
            duration: Length in seconds (default: 5). 5 or 10.
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16 or
                1:1.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-v1-6 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_multi_image2video(
        self,
        prompt: str,
        *,
        subject: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        negative_prompt: str | None = None,
        duration: int | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Bring up to four subjects into one video
        (historic).

        Args:
            prompt: What to see and hear. Wishes against something go into the same text
                on the new models. At most 2500 characters.
            subject: A subject, one to four times: a local file or a URL; jpg or png, at
                least 300 px a side. Nothing is cropped. At most 4.
            negative_prompt: What to avoid; older request bodies only, so it needs a
                model that has one. At most 2500 characters.
            duration: Length in seconds (default: 5). 5 or 10.
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16 or
                1:1.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-v1-6 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def effects(
        self,
        scene: str,
        image: str | PathLike[str] | Sequence[str | PathLike[str]],
        *,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Play a ready-made scene with people or pets of an image.

        Args:
            scene: What happens. With `--list`: a part of the names, or `dual`,
                `single`, `discontinued`. One of 218.
            image: Who it happens to, two images for a dual scene, left and right: local
                files or URLs; jpg or png, at least 300 px a side. At most 2.
            model: One of effects (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_effects(
        self,
        scene: str,
        image: str | PathLike[str] | Sequence[str | PathLike[str]],
        *,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Play a ready-made scene with people or pets of
        an image.

        Args:
            scene: What happens. With `--list`: a part of the names, or `dual`,
                `single`, `discontinued`. One of 218.
            image: Who it happens to, two images for a dual scene, left and right: local
                files or URLs; jpg or png, at least 300 px a side. At most 2.
            model: One of effects (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def video_extend(
        self,
        video_id: str | BaseJob,
        prompt: str | None = None,
        *,
        negative_prompt: str | None = None,
        cfg_scale: float | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Lengthen a generated video by 4 to 5 s (historic).

        Args:
            video_id: A video of kling-v1, v1-5 or v1-6, at most 30 days old, by its id
                or the id of the task that made it (`last`: the newest); at most 3
                minutes in all.
            prompt: How it goes on. At most 2500 characters.
            negative_prompt: What to avoid; older request bodies only, so it needs a
                model that has one. At most 2500 characters.
            cfg_scale: How closely to follow the prompt, 0 to 1 (default: 0.5; v1 models
                only). 0 to 1.
            model: One of video-extend (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_video_extend(
        self,
        video_id: str | BaseJob,
        prompt: str | None = None,
        *,
        negative_prompt: str | None = None,
        cfg_scale: float | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Lengthen a generated video by 4 to 5 s
        (historic).

        Args:
            video_id: A video of kling-v1, v1-5 or v1-6, at most 30 days old, by its id
                or the id of the task that made it (`last`: the newest); at most 3
                minutes in all.
            prompt: How it goes on. At most 2500 characters.
            negative_prompt: What to avoid; older request bodies only, so it needs a
                model that has one. At most 2500 characters.
            cfg_scale: How closely to follow the prompt, 0 to 1 (default: 0.5; v1 models
                only). 0 to 1.
            model: One of video-extend (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def lip_sync(
        self,
        video: str | BaseJob | None = None,
        *,
        session: str | None = None,
        face: str | None = None,
        audio: str | PathLike[str] | None = None,
        audio_id: str | BaseJob | None = None,
        from_: float | str | None = None,
        to: float | str | None = None,
        at: float | str | None = None,
        volume: float | None = None,
        original_volume: float | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Let a face in a video speak a sound.

        Args:
            video: The video: a URL (mp4 or mov, at most 100 MB, 2 to 60 s, 720p or
                1080p), the id of a generated video at most 30 days old, or the id of
                the task that made it.
            session: The session of an earlier identification: its faces are not looked
                for, and paid for, again.
            face: Which face speaks (default: the only one; on a terminal you are
                asked).
            audio: What to say or sing: a local file or a URL; mp3, wav, m4a or aac, at
                most 5 MB, 2 to 60 s.
            audio_id: A sound made by `kling tts` instead, at most 30 days old: its id,
                or its task's.
            from_: Where in the sound to begin (default: 0). 0 to 60.
            to: Where in the sound to stop, at least 2 s later (default: its end, where
                that can be known). 0 to 60.
            at: When in the video the sound begins; the face must be seen for 2 s of it
                (default: when the face appears). 0 to 60.
            volume: How loud the sound is (default: 1). 0 to 2.
            original_volume: How loud the video's own sound stays (default: 1). 0 to 2.
            watermark: Make a watermarked copy too (default: no).
            model: One of lip-sync (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_lip_sync(
        self,
        video: str | BaseJob | None = None,
        *,
        session: str | None = None,
        face: str | None = None,
        audio: str | PathLike[str] | None = None,
        audio_id: str | BaseJob | None = None,
        from_: float | str | None = None,
        to: float | str | None = None,
        at: float | str | None = None,
        volume: float | None = None,
        original_volume: float | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Let a face in a video speak a sound.

        Args:
            video: The video: a URL (mp4 or mov, at most 100 MB, 2 to 60 s, 720p or
                1080p), the id of a generated video at most 30 days old, or the id of
                the task that made it.
            session: The session of an earlier identification: its faces are not looked
                for, and paid for, again.
            face: Which face speaks (default: the only one; on a terminal you are
                asked).
            audio: What to say or sing: a local file or a URL; mp3, wav, m4a or aac, at
                most 5 MB, 2 to 60 s.
            audio_id: A sound made by `kling tts` instead, at most 30 days old: its id,
                or its task's.
            from_: Where in the sound to begin (default: 0). 0 to 60.
            to: Where in the sound to stop, at least 2 s later (default: its end, where
                that can be known). 0 to 60.
            at: When in the video the sound begins; the face must be seen for 2 s of it
                (default: when the face appears). 0 to 60.
            volume: How loud the sound is (default: 1). 0 to 2.
            original_volume: How loud the video's own sound stays (default: 1). 0 to 2.
            watermark: Make a watermarked copy too (default: no).
            model: One of lip-sync (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def multi_elements(
        self,
        session: str,
        prompt: str,
        *,
        edit: Literal["addition", "swap", "removal"] | None = None,
        image: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        negative_prompt: str | None = None,
        duration: int | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Add, swap or remove what is selected in a video.

        Args:
            session: The session that `kling multi-elements select` has opened.
            prompt: What to change; the video is @video_1, the images are @image_1 and
                @image_2. `-` reads it from standard input. At most 2500 characters.
            edit: Add something, swap what is selected for it, or remove what is
                selected. addition, swap or removal.
            image: What is added or put in its place: a local file or a URL; jpg or png,
                at least 300 px a side. One or two for addition, exactly one for swap,
                none for removal. At most 2.
            negative_prompt: What to avoid; older request bodies only, so it needs a
                model that has one. At most 2500 characters.
            duration: 5 for a video of 2 to 5 s, 10 for one of 7 to 10 s (default: as
                the selected video is, else 5). 5 or 10.
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            watermark: Make a watermarked copy too (default: no).
            model: One of multi-elements (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_multi_elements(
        self,
        session: str,
        prompt: str,
        *,
        edit: Literal["addition", "swap", "removal"] | None = None,
        image: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        negative_prompt: str | None = None,
        duration: int | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Add, swap or remove what is selected in a
        video.

        Args:
            session: The session that `kling multi-elements select` has opened.
            prompt: What to change; the video is @video_1, the images are @image_1 and
                @image_2. `-` reads it from standard input. At most 2500 characters.
            edit: Add something, swap what is selected for it, or remove what is
                selected. addition, swap or removal.
            image: What is added or put in its place: a local file or a URL; jpg or png,
                at least 300 px a side. One or two for addition, exactly one for swap,
                none for removal. At most 2.
            negative_prompt: What to avoid; older request bodies only, so it needs a
                model that has one. At most 2500 characters.
            duration: 5 for a video of 2 to 5 s, 10 for one of 7 to 10 s (default: as
                the selected video is, else 5). 5 or 10.
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            watermark: Make a watermarked copy too (default: no).
            model: One of multi-elements (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def image(
        self,
        prompt: str,
        *,
        image: str | PathLike[str] | None = None,
        reference: Literal["subject", "face"] | None = None,
        image_fidelity: float | None = None,
        human_fidelity: float | None = None,
        element: str | Sequence[str] | Mapping[str, str] | None = None,
        negative_prompt: str | None = None,
        resolution: Literal["1k", "2k"] | None = None,
        count: int | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Make images from a prompt, or from another image.

        Args:
            prompt: What the image shows. At most 2500 characters.
            image: An image to start from: a local file or a URL; jpg or png, at least
                300 px a side, ratio between 1:2.5 and 2.5:1.
            reference: What to keep of the image: its subject, or the one face in it.
                subject or face. Only with kling-v2-1 or kling-v1-5.
            image_fidelity: How closely to follow the image (default: 0.5). 0 to 1. Only
                with kling-v2-1.
            human_fidelity: How closely to follow the person of --reference subject
                (default: 0.45). 0 to 1. Only with kling-v2-1.
            element: An element of your library; the prompt may call it @NAME (default:
                @element_1, @element_2, …). At most 10. Only with kling-v3.
            negative_prompt: What to avoid; not together with an image. At most 2500
                characters.
            resolution: Size of the images (default: 1k). 1k or 2k (kling-v3,
                kling-v2-1), otherwise 1k.
            count: How many images to make; each takes a slot (default: 1). 1 to 9.
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16,
                1:1, 4:3, 3:4, 3:2, 2:3 or 21:9.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-v3, kling-v2-1, kling-v2, kling-v2-new, kling-v1-5,
                kling-v1 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_image(
        self,
        prompt: str,
        *,
        image: str | PathLike[str] | None = None,
        reference: Literal["subject", "face"] | None = None,
        image_fidelity: float | None = None,
        human_fidelity: float | None = None,
        element: str | Sequence[str] | Mapping[str, str] | None = None,
        negative_prompt: str | None = None,
        resolution: Literal["1k", "2k"] | None = None,
        count: int | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Make images from a prompt, or from another
        image.

        Args:
            prompt: What the image shows. At most 2500 characters.
            image: An image to start from: a local file or a URL; jpg or png, at least
                300 px a side, ratio between 1:2.5 and 2.5:1.
            reference: What to keep of the image: its subject, or the one face in it.
                subject or face. Only with kling-v2-1 or kling-v1-5.
            image_fidelity: How closely to follow the image (default: 0.5). 0 to 1. Only
                with kling-v2-1.
            human_fidelity: How closely to follow the person of --reference subject
                (default: 0.45). 0 to 1. Only with kling-v2-1.
            element: An element of your library; the prompt may call it @NAME (default:
                @element_1, @element_2, …). At most 10. Only with kling-v3.
            negative_prompt: What to avoid; not together with an image. At most 2500
                characters.
            resolution: Size of the images (default: 1k). 1k or 2k (kling-v3,
                kling-v2-1), otherwise 1k.
            count: How many images to make; each takes a slot (default: 1). 1 to 9.
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16,
                1:1, 4:3, 3:4, 3:2, 2:3 or 21:9.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-v3, kling-v2-1, kling-v2, kling-v2-new, kling-v1-5,
                kling-v1 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def omni_image(
        self,
        prompt: str,
        *,
        image: str | PathLike[str] | Sequence[str | PathLike[str]] | Mapping[str, str | PathLike[str]] | None = None,
        element: str | Sequence[str] | Mapping[str, str] | None = None,
        resolution: Literal["1k", "2k", "4k"] | None = None,
        result_type: Literal["single", "series"] | None = None,
        count: int | None = None,
        series: Literal[2, 3, 4, 5, 6, 7, 8, 9, "auto"] | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "auto"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Make images or a series from words, images and elements.

        Args:
            prompt: What the images show; inputs are called @NAME. `-` reads it from
                standard input. At most 2500 characters.
            image: An image to refer to, a local file or a URL, up to ten times; the
                prompt may call it @NAME (default: @image_1, @image_2, …). At most 10.
            element: An element of your library; the prompt may call it @NAME (default:
                @element_1, @element_2, …). At most 10.
            resolution: Size of the images (default: 1k). 1k, 2k or 4k (kling-v3-omni),
                1k or 2k (kling-image-o1).
            result_type: Single images, or a series that belongs together (default:
                single, or series with --series). single or series (kling-v3-omni),
                single (kling-image-o1).
            count: How many single images to make; each takes a slot (default: 1). 1 to
                9.
            series: How many images the series has; with auto the model decides, and so
                does it the price. 2, 3, 4, 5, 6, 7, 8, 9 or auto. Only with
                kling-v3-omni.
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16,
                1:1, 4:3, 3:4, 3:2, 2:3, 21:9 or auto.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-v3-omni, kling-image-o1 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_omni_image(
        self,
        prompt: str,
        *,
        image: str | PathLike[str] | Sequence[str | PathLike[str]] | Mapping[str, str | PathLike[str]] | None = None,
        element: str | Sequence[str] | Mapping[str, str] | None = None,
        resolution: Literal["1k", "2k", "4k"] | None = None,
        result_type: Literal["single", "series"] | None = None,
        count: int | None = None,
        series: Literal[2, 3, 4, 5, 6, 7, 8, 9, "auto"] | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "auto"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Make images or a series from words, images and
        elements.

        Args:
            prompt: What the images show; inputs are called @NAME. `-` reads it from
                standard input. At most 2500 characters.
            image: An image to refer to, a local file or a URL, up to ten times; the
                prompt may call it @NAME (default: @image_1, @image_2, …). At most 10.
            element: An element of your library; the prompt may call it @NAME (default:
                @element_1, @element_2, …). At most 10.
            resolution: Size of the images (default: 1k). 1k, 2k or 4k (kling-v3-omni),
                1k or 2k (kling-image-o1).
            result_type: Single images, or a series that belongs together (default:
                single, or series with --series). single or series (kling-v3-omni),
                single (kling-image-o1).
            count: How many single images to make; each takes a slot (default: 1). 1 to
                9.
            series: How many images the series has; with auto the model decides, and so
                does it the price. 2, 3, 4, 5, 6, 7, 8, 9 or auto. Only with
                kling-v3-omni.
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16,
                1:1, 4:3, 3:4, 3:2, 2:3, 21:9 or auto.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-v3-omni, kling-image-o1 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def multi_image2image(
        self,
        prompt: str | None = None,
        *,
        subject: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        scene: str | PathLike[str] | None = None,
        style: str | PathLike[str] | None = None,
        count: int | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Put up to four subjects into one image.

        Args:
            prompt: What the subjects do. At most 2500 characters.
            subject: A subject, already cropped to itself, one to four times: a local
                file or a URL; jpg or png, at least 300 px a side. At most 4.
            scene: An image of the place: a local file or a URL.
            style: An image whose style to take: a local file or a URL.
            count: How many images to make; each takes a slot (default: 1). 1 to 9.
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16,
                1:1, 4:3, 3:4, 3:2, 2:3 or 21:9.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-v2-1, kling-v2 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_multi_image2image(
        self,
        prompt: str | None = None,
        *,
        subject: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        scene: str | PathLike[str] | None = None,
        style: str | PathLike[str] | None = None,
        count: int | None = None,
        aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Put up to four subjects into one image.

        Args:
            prompt: What the subjects do. At most 2500 characters.
            subject: A subject, already cropped to itself, one to four times: a local
                file or a URL; jpg or png, at least 300 px a side. At most 4.
            scene: An image of the place: a local file or a URL.
            style: An image whose style to take: a local file or a URL.
            count: How many images to make; each takes a slot (default: 1). 1 to 9.
            aspect_ratio: Picture shape, width to height (default: 16:9). 16:9, 9:16,
                1:1, 4:3, 3:4, 3:2, 2:3 or 21:9.
            watermark: Make a watermarked copy too (default: no).
            model: One of kling-v2-1, kling-v2 (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def expand(
        self,
        image: str | PathLike[str],
        prompt: str | None = None,
        *,
        up: float | None = None,
        down: float | None = None,
        left: float | None = None,
        right: float | None = None,
        count: int | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Paint on beyond the edges of an image.

        Args:
            image: The image to expand: a local file or a URL; jpg or png, at least 300
                px a side, ratio between 1:2.5 and 2.5:1.
            prompt: What lies beyond its edges. At most 2500 characters.
            up: How much to add above, as a share of the height (default: 0). 0 to 2.
            down: How much to add below, as a share of the height (default: 0). 0 to 2.
            left: How much to add on the left, as a share of the width (default: 0). 0
                to 2.
            right: How much to add on the right, as a share of the width (default: 0). 0
                to 2.
            count: How many images to make; each takes a slot (default: 1). 1 to 9.
            watermark: Make a watermarked copy too (default: no).
            model: One of expand (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_expand(
        self,
        image: str | PathLike[str],
        prompt: str | None = None,
        *,
        up: float | None = None,
        down: float | None = None,
        left: float | None = None,
        right: float | None = None,
        count: int | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Paint on beyond the edges of an image.

        Args:
            image: The image to expand: a local file or a URL; jpg or png, at least 300
                px a side, ratio between 1:2.5 and 2.5:1.
            prompt: What lies beyond its edges. At most 2500 characters.
            up: How much to add above, as a share of the height (default: 0). 0 to 2.
            down: How much to add below, as a share of the height (default: 0). 0 to 2.
            left: How much to add on the left, as a share of the width (default: 0). 0
                to 2.
            right: How much to add on the right, as a share of the width (default: 0). 0
                to 2.
            count: How many images to make; each takes a slot (default: 1). 1 to 9.
            watermark: Make a watermarked copy too (default: no).
            model: One of expand (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def try_on(
        self,
        person: str | PathLike[str],
        garment: str | PathLike[str],
        *,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Dress a person in a garment.

        Args:
            person: The person: a local file or a URL; jpg or png, at least 300 px a
                side, ratio between 1:2.5 and 2.5:1.
            garment: A top, bottoms or a dress before a white ground (v1-5: also top and
                bottoms in one image): a local file or a URL.
            model: One of kolors-virtual-try-on-v1-5, kolors-virtual-try-on-v1 (default:
                the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_try_on(
        self,
        person: str | PathLike[str],
        garment: str | PathLike[str],
        *,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Dress a person in a garment.

        Args:
            person: The person: a local file or a URL; jpg or png, at least 300 px a
                side, ratio between 1:2.5 and 2.5:1.
            garment: A top, bottoms or a dress before a white ground (v1-5: also top and
                bottoms in one image): a local file or a URL.
            model: One of kolors-virtual-try-on-v1-5, kolors-virtual-try-on-v1 (default:
                the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def ai_multi_shot(
        self,
        image: str | PathLike[str],
        *,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Make further views of a subject from one image.

        Args:
            image: The subject from the front: a local file or a URL; jpg or png, at
                least 300 px a side, ratio between 1:2.5 and 2.5:1. Up to three sets of
                three views come of it.
            model: One of ai-multi-shot (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_ai_multi_shot(
        self,
        image: str | PathLike[str],
        *,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Make further views of a subject from one image.

        Args:
            image: The subject from the front: a local file or a URL; jpg or png, at
                least 300 px a side, ratio between 1:2.5 and 2.5:1. Up to three sets of
                three views come of it.
            model: One of ai-multi-shot (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def image_recognize(
        self,
        image: str | PathLike[str],
        *,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Cut object, head, face and clothes out of an image.

        Args:
            image: The image: a local file or a URL; jpg or png, at least 300 px a side,
                ratio between 1:2.5 and 2.5:1.
            model: One of image-recognize (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_image_recognize(
        self,
        image: str | PathLike[str],
        *,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Cut object, head, face and clothes out of an
        image.

        Args:
            image: The image: a local file or a URL; jpg or png, at least 300 px a side,
                ratio between 1:2.5 and 2.5:1.
            model: One of image-recognize (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def text_to_audio(
        self,
        prompt: str,
        *,
        duration: float | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Make a sound effect from a prompt.

        Args:
            prompt: What to hear. At most 200 characters.
            duration: Length of the sound in seconds, one decimal (default: 5). 3 to 10.
            model: One of text-to-audio (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_text_to_audio(
        self,
        prompt: str,
        *,
        duration: float | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Make a sound effect from a prompt.

        Args:
            prompt: What to hear. At most 200 characters.
            duration: Length of the sound in seconds, one decimal (default: 5). 3 to 10.
            model: One of text-to-audio (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def video_to_audio(
        self,
        video: str | None = None,
        *,
        video_id: str | BaseJob | None = None,
        effects: str | None = None,
        music: str | None = None,
        asmr: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Add sound effects and music to a silent video.

        Args:
            video: The URL of a video; mp4 or mov, at most 100 MB, 3 to 20 s.
            video_id: A generated video instead, at most 30 days old, by its id or the
                id of the task that made it (`last`: the newest).
            effects: Which sounds go with the picture. At most 200 characters.
            music: Which music goes with it. At most 200 characters.
            asmr: Close and detailed sounds (default: no).
            model: One of video-to-audio (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_video_to_audio(
        self,
        video: str | None = None,
        *,
        video_id: str | BaseJob | None = None,
        effects: str | None = None,
        music: str | None = None,
        asmr: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Add sound effects and music to a silent video.

        Args:
            video: The URL of a video; mp4 or mov, at most 100 MB, 3 to 20 s.
            video_id: A generated video instead, at most 30 days old, by its id or the
                id of the task that made it (`last`: the newest).
            effects: Which sounds go with the picture. At most 200 characters.
            music: Which music goes with it. At most 200 characters.
            asmr: Close and detailed sounds (default: no).
            model: One of video-to-audio (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def tts(
        self,
        text: str,
        *,
        voice: str | None = None,
        language: Literal["zh", "en"] | None = None,
        speed: float | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Speak a text.

        Args:
            text: What to say. At most 1000 characters.
            voice: A speech voice, such as oversea_male1, commercial_lady_en_f-v1,
                reader_en_m-v1, calm_story1, girlfriend_4_speech02, uk_boy1 or
                chengshu_jiejie (default: oversea_male1).
            language: The language of the text (default: en). zh or en.
            speed: How fast to speak, one decimal (default: 1.0). 0.8 to 2.
            model: One of tts (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_tts(
        self,
        text: str,
        *,
        voice: str | None = None,
        language: Literal["zh", "en"] | None = None,
        speed: float | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Speak a text.

        Args:
            text: What to say. At most 1000 characters.
            voice: A speech voice, such as oversea_male1, commercial_lady_en_f-v1,
                reader_en_m-v1, calm_story1, girlfriend_4_speech02, uk_boy1 or
                chengshu_jiejie (default: oversea_male1).
            language: The language of the text (default: en). zh or en.
            speed: How fast to speak, one decimal (default: 1.0). 0.8 to 2.
            model: One of tts (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def goods_studio(
        self,
        title: str,
        *,
        image: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        description: str | None = None,
        duration: Literal[15, 30, 60] | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        aspect_ratio: Literal["9:16", "1:1", "16:9"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Make an advertising video from pictures and a title.

        Args:
            title: What the product is called. At most 200 characters.
            image: A picture of the product, one to five times: a local file or a URL;
                jpg, png or webp, at least 300 px a side. At most 5.
            description: What there is to say about it. At most 2000 characters.
            duration: About how long the video is, in seconds (default: 15). 15, 30 or
                60.
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            aspect_ratio: Shape of the picture, width to height (default: 9:16). 9:16,
                1:1 or 16:9.
            watermark: Make a watermarked copy too (default: no).
            model: One of goods-studio (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_goods_studio(
        self,
        title: str,
        *,
        image: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        description: str | None = None,
        duration: Literal[15, 30, 60] | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        aspect_ratio: Literal["9:16", "1:1", "16:9"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Make an advertising video from pictures and a
        title.

        Args:
            title: What the product is called. At most 200 characters.
            image: A picture of the product, one to five times: a local file or a URL;
                jpg, png or webp, at least 300 px a side. At most 5.
            description: What there is to say about it. At most 2000 characters.
            duration: About how long the video is, in seconds (default: 15). 15, 30 or
                60.
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            aspect_ratio: Shape of the picture, width to height (default: 9:16). 9:16,
                1:1 or 16:9.
            watermark: Make a watermarked copy too (default: no).
            model: One of goods-studio (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def clothing_dupe(
        self,
        video: str,
        info: str,
        *,
        product: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        person: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        music: str | None = None,
        voice: Literal["energetic_sales_girl", "gentle_sales_woman", "crisp_sales_girl", "mature_sales_woman", "calm_sales_woman", "soft_sales_woman", "energetic_sales_boy", "enthusiastic_sales_man", "steady_sales_man", "calm_sales_man"] | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        aspect_ratio: Literal["9:16", "2:3", "3:4", "1:1", "4:3", "3:2", "16:9", "21:9"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Remake a clothing video with other garments.

        Args:
            video: The URL of the video to remake; mp4 or mov, at most 100 MB, 5 to 180
                s, sides 576 to 4553 px, 24 to 60 frames a second.
            info: What the garment is. At most 2500 characters.
            product: A picture of the garment, one to five times: a local file or a URL;
                jpg, png or webp. At most 5.
            person: Who wears it, up to five times (default: the people of the video).
                At most 5.
            music: The URL of background music; mp3, m4a or wav, at most 50 MB.
            voice: Who speaks (default: sound is made to match). energetic_sales_girl,
                gentle_sales_woman, crisp_sales_girl, mature_sales_woman,
                calm_sales_woman, soft_sales_woman, energetic_sales_boy,
                enthusiastic_sales_man, steady_sales_man or calm_sales_man.
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            aspect_ratio: Shape of the picture, width to height. 9:16, 2:3, 3:4, 1:1,
                4:3, 3:2, 16:9 or 21:9.
            watermark: Make a watermarked copy too (default: no).
            model: One of clothing-dupe (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_clothing_dupe(
        self,
        video: str,
        info: str,
        *,
        product: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        person: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        music: str | None = None,
        voice: Literal["energetic_sales_girl", "gentle_sales_woman", "crisp_sales_girl", "mature_sales_woman", "calm_sales_woman", "soft_sales_woman", "energetic_sales_boy", "enthusiastic_sales_man", "steady_sales_man", "calm_sales_man"] | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        aspect_ratio: Literal["9:16", "2:3", "3:4", "1:1", "4:3", "3:2", "16:9", "21:9"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Remake a clothing video with other garments.

        Args:
            video: The URL of the video to remake; mp4 or mov, at most 100 MB, 5 to 180
                s, sides 576 to 4553 px, 24 to 60 frames a second.
            info: What the garment is. At most 2500 characters.
            product: A picture of the garment, one to five times: a local file or a URL;
                jpg, png or webp. At most 5.
            person: Who wears it, up to five times (default: the people of the video).
                At most 5.
            music: The URL of background music; mp3, m4a or wav, at most 50 MB.
            voice: Who speaks (default: sound is made to match). energetic_sales_girl,
                gentle_sales_woman, crisp_sales_girl, mature_sales_woman,
                calm_sales_woman, soft_sales_woman, energetic_sales_boy,
                enthusiastic_sales_man, steady_sales_man or calm_sales_man.
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            aspect_ratio: Shape of the picture, width to height. 9:16, 2:3, 3:4, 1:1,
                4:3, 3:2, 16:9 or 21:9.
            watermark: Make a watermarked copy too (default: no).
            model: One of clothing-dupe (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def talking_agent(
        self,
        script: str,
        *,
        image: str | PathLike[str] | None = None,
        avatar: Literal["avatar_vivian_female", "avatar_lee_male", "avatar_chenjing_female", "avatar_zhaochen_male", "avatar_wanglei_male", "avatar_eva_female", "avatar_oliver_male", "avatar_elena_female", "avatar_adam_male", "avatar_anna_female", "avatar_rajput_male", "avatar_mia_female", "avatar_river_male", "avatar_marcus_male", "avatar_toto_cartoon"] | None = None,
        product: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        title: str | None = None,
        price: str | None = None,
        audience: str | Sequence[str] | None = None,
        point: str | Sequence[str] | None = None,
        voice: Literal["male_calm_informative", "female_clear_rational", "female_gentle_soothing", "female_bright_engaging", "male_crisp_persuasive", "female_intelligent_narrative", "male_clear_professional", "male_energetic_sporty", "female_warm_rich"] | None = None,
        speed: float | None = None,
        action: str | None = None,
        polish: bool | None = None,
        music: bool | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        aspect_ratio: Literal["9:16", "16:9"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Let a presenter speak a script, with or without a product.

        Args:
            script: What the presenter says; the video lasts as long as it. At most 2000
                characters.
            image: The presenter: a local file or a URL; jpg, png or webp, at least 300
                px a side.
            avatar: A presenter of the library instead; each has a voice.
                avatar_vivian_female, avatar_lee_male, avatar_chenjing_female,
                avatar_zhaochen_male, avatar_wanglei_male, avatar_eva_female,
                avatar_oliver_male, avatar_elena_female, avatar_adam_male,
                avatar_anna_female, avatar_rajput_male, avatar_mia_female,
                avatar_river_male, avatar_marcus_male or avatar_toto_cartoon.
            product: A picture of the product, up to five times: a local file or a URL.
                At most 5.
            title: What the product is called. At most 500 characters.
            price: What it costs. At most 256 characters.
            audience: Whom it is for, up to twenty times. At most 200 characters.
            point: What speaks for it, up to twenty times. At most 500 characters.
            voice: Who speaks for --image. male_calm_informative, female_clear_rational,
                female_gentle_soothing, female_bright_engaging, male_crisp_persuasive,
                female_intelligent_narrative, male_clear_professional,
                male_energetic_sporty or female_warm_rich.
            speed: How fast to speak, without a product (default: 1.0). 0.8, 1.0 or 1.2.
            action: What the presenter does. At most 2500 characters.
            polish: Let the script be improved (default: no, every word is spoken).
            music: Add background music (default: no).
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            aspect_ratio: Shape of the picture, width to height (default: 9:16). 9:16 or
                16:9.
            watermark: Make a watermarked copy too (default: no).
            model: One of talking-agent (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_talking_agent(
        self,
        script: str,
        *,
        image: str | PathLike[str] | None = None,
        avatar: Literal["avatar_vivian_female", "avatar_lee_male", "avatar_chenjing_female", "avatar_zhaochen_male", "avatar_wanglei_male", "avatar_eva_female", "avatar_oliver_male", "avatar_elena_female", "avatar_adam_male", "avatar_anna_female", "avatar_rajput_male", "avatar_mia_female", "avatar_river_male", "avatar_marcus_male", "avatar_toto_cartoon"] | None = None,
        product: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        title: str | None = None,
        price: str | None = None,
        audience: str | Sequence[str] | None = None,
        point: str | Sequence[str] | None = None,
        voice: Literal["male_calm_informative", "female_clear_rational", "female_gentle_soothing", "female_bright_engaging", "male_crisp_persuasive", "female_intelligent_narrative", "male_clear_professional", "male_energetic_sporty", "female_warm_rich"] | None = None,
        speed: float | None = None,
        action: str | None = None,
        polish: bool | None = None,
        music: bool | None = None,
        resolution: Literal["720p", "1080p"] | None = None,
        aspect_ratio: Literal["9:16", "16:9"] | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Let a presenter speak a script, with or without
        a product.

        Args:
            script: What the presenter says; the video lasts as long as it. At most 2000
                characters.
            image: The presenter: a local file or a URL; jpg, png or webp, at least 300
                px a side.
            avatar: A presenter of the library instead; each has a voice.
                avatar_vivian_female, avatar_lee_male, avatar_chenjing_female,
                avatar_zhaochen_male, avatar_wanglei_male, avatar_eva_female,
                avatar_oliver_male, avatar_elena_female, avatar_adam_male,
                avatar_anna_female, avatar_rajput_male, avatar_mia_female,
                avatar_river_male, avatar_marcus_male or avatar_toto_cartoon.
            product: A picture of the product, up to five times: a local file or a URL.
                At most 5.
            title: What the product is called. At most 500 characters.
            price: What it costs. At most 256 characters.
            audience: Whom it is for, up to twenty times. At most 200 characters.
            point: What speaks for it, up to twenty times. At most 500 characters.
            voice: Who speaks for --image. male_calm_informative, female_clear_rational,
                female_gentle_soothing, female_bright_engaging, male_crisp_persuasive,
                female_intelligent_narrative, male_clear_professional,
                male_energetic_sporty or female_warm_rich.
            speed: How fast to speak, without a product (default: 1.0). 0.8, 1.0 or 1.2.
            action: What the presenter does. At most 2500 characters.
            polish: Let the script be improved (default: no, every word is spoken).
            music: Add background music (default: no).
            resolution: Picture size (default: 720p where the model has it). 720p or
                1080p.
            aspect_ratio: Shape of the picture, width to height (default: 9:16). 9:16 or
                16:9.
            watermark: Make a watermarked copy too (default: no).
            model: One of talking-agent (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def drama_subtitle(
        self,
        video: str,
        *,
        term: Mapping[str, Any] | Sequence[Any] | str | Sequence[Mapping[str, Any] | Sequence[Any] | str] | None = None,
        language: Literal["en"] | None = None,
        reading_speed: int | None = None,
        margin: int | None = None,
        font_size: int | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Subtitle a Chinese short drama in English.

        Args:
            video: The URL of an episode with sound; at most 500 MB and 300 s.
            term: How to translate a term, up to 200 times: {"source": "…", "target":
                "…"}, or `@file.json`. At most 200.
            language: The language of the subtitles (default: en). en.
            reading_speed: Characters a second (default: 17). 10 to 20.
            margin: How far from the bottom (default: 340 upright, 80 across). 1 to
                4096.
            font_size: How large (default: 60 upright, 56 across). 1 to 512.
            model: One of drama-subtitle (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_drama_subtitle(
        self,
        video: str,
        *,
        term: Mapping[str, Any] | Sequence[Any] | str | Sequence[Mapping[str, Any] | Sequence[Any] | str] | None = None,
        language: Literal["en"] | None = None,
        reading_speed: int | None = None,
        margin: int | None = None,
        font_size: int | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Subtitle a Chinese short drama in English.

        Args:
            video: The URL of an episode with sound; at most 500 MB and 300 s.
            term: How to translate a term, up to 200 times: {"source": "…", "target":
                "…"}, or `@file.json`. At most 200.
            language: The language of the subtitles (default: en). en.
            reading_speed: Characters a second (default: 17). 10 to 20.
            margin: How far from the bottom (default: 340 upright, 80 across). 1 to
                4096.
            font_size: How large (default: 60 upright, 56 across). 1 to 512.
            model: One of drama-subtitle (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def virtual_try_on(
        self,
        person: str,
        garment: str,
        *,
        keep_face: bool | None = None,
        keep_pose: bool | None = None,
        keep_background: bool | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Dress a person in a garment, version 3.0.

        Args:
            person: The URL of a picture of the person; jpg, png or webp, at most 10 MB,
                sides of more than 300 and at most 2048 px.
            garment: The URL of a picture of the garment, with the same limits.
            keep_face: Keep face, expression and hair (default: yes).
            keep_pose: Keep pose, direction and position (default: yes).
            keep_background: Keep what is behind the person (default: yes).
            watermark: Make a watermarked copy too (default: no).
            model: One of virtual-try-on (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_virtual_try_on(
        self,
        person: str,
        garment: str,
        *,
        keep_face: bool | None = None,
        keep_pose: bool | None = None,
        keep_background: bool | None = None,
        watermark: bool | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Dress a person in a garment, version 3.0.

        Args:
            person: The URL of a picture of the person; jpg, png or webp, at most 10 MB,
                sides of more than 300 and at most 2048 px.
            garment: The URL of a picture of the garment, with the same limits.
            keep_face: Keep face, expression and hair (default: yes).
            keep_pose: Keep pose, direction and position (default: yes).
            keep_background: Keep what is behind the person (default: yes).
            watermark: Make a watermarked copy too (default: no).
            model: One of virtual-try-on (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def custom_element(
        self,
        name: str,
        description: str,
        *,
        kind: Literal["image_refer", "video_refer"] | None = None,
        frontal: str | PathLike[str] | None = None,
        refer: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        video: str | None = None,
        voice: str | None = None,
        tag: str | Sequence[str] | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Make an element from pictures or a video of it.

        Args:
            name: What the element is called. At most 20 characters.
            description: What it is, in a few words. At most 100 characters.
            kind: What it is made from: pictures (image_refer) or a video of a person
                (video_refer); seen from what is given. image_refer or video_refer.
            frontal: The picture from the front: a local file or a URL.
            refer: A picture from another side, at least one; repeatable. At most 3.
            video: A video of a person, 3 to 8 s, 1080p, 16:9 or 9:16; a voice in it
                becomes a voice.
            voice: A voice that belongs to it.
            tag: What kind of thing it is; repeatable. hottest, character, animal, item,
                costume, scene, effect or others.
            model: One of custom-element (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_custom_element(
        self,
        name: str,
        description: str,
        *,
        kind: Literal["image_refer", "video_refer"] | None = None,
        frontal: str | PathLike[str] | None = None,
        refer: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        video: str | None = None,
        voice: str | None = None,
        tag: str | Sequence[str] | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Make an element from pictures or a video of it.

        Args:
            name: What the element is called. At most 20 characters.
            description: What it is, in a few words. At most 100 characters.
            kind: What it is made from: pictures (image_refer) or a video of a person
                (video_refer); seen from what is given. image_refer or video_refer.
            frontal: The picture from the front: a local file or a URL.
            refer: A picture from another side, at least one; repeatable. At most 3.
            video: A video of a person, 3 to 8 s, 1080p, 16:9 or 9:16; a voice in it
                becomes a voice.
            voice: A voice that belongs to it.
            tag: What kind of thing it is; repeatable. hottest, character, animal, item,
                costume, scene, effect or others.
            model: One of custom-element (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def custom_voice(
        self,
        name: str,
        *,
        from_: str | None = None,
        video_id: str | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback: Literal["auto", "require", "off"] | None = None,
        tunnel: str | None = None,
        callback_url: str | None = None,
        port: int = 0,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Make a voice from a recording.

        Args:
            name: What the voice is called. At most 20 characters.
            from_: URL of a recording of one clean voice, 5 to 30 s: mp3, wav, mp4 or
                mov.
            video_id: A video made with sound by Kling 2.6, by avatar or by lip sync.
            model: One of custom-voice (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback: Callbacks if a tunnel can be had, no job without one, or polling
                only.
            tunnel: Which tunnel callbacks come through.
            callback_url: Your own public URL of the listener; no tunnel is started.
            port: Port of the listener on this machine (default: a free one).
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """

    def create_custom_voice(
        self,
        name: str,
        *,
        from_: str | None = None,
        video_id: str | None = None,
        model: str | None = None,
        set: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        max_units: float | None = None,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
        callback_url: str | None = None,
    ) -> ResultT:
        """Submit only, and return at once. Make a voice from a recording.

        Args:
            name: What the voice is called. At most 20 characters.
            from_: URL of a recording of one clean voice, 5 to 30 s: mp3, wav, mp4 or
                mov.
            video_id: A video made with sound by Kling 2.6, by avatar or by lip sync.
            model: One of custom-voice (default: the newest that fits).
            set: Any other fields of the request body, by dotted key.
            external_id: Your own id for the task, unique over the account (default: one
                is made).
            max_units: Refuse what may cost more units than this.
            timeout: How long to wait, in seconds or such as `10m`; 0 for ever.
            on_event: Is called with each event of the job.
            callback_url: The URL of your own handler, which the API calls as it is.
        """

    def multi_elements_select(
        self,
        video: str | BaseJob | None = None,
    ) -> ResultT:
        """Open a video for editing, and print the session.

        Args:
            video: The video: a URL (mp4 or mov, 2 to 5 s or 7 to 10 s, 720 to 2160 px a
                side), the id of a generated video at most 30 days old, or the id of the
                task that made it.
        """

    def multi_elements_add(
        self,
        session: str,
        *,
        frame: int | None = None,
        point: tuple[float, float] | str | Sequence[tuple[float, float] | str] | None = None,
    ) -> ResultT:
        """Mark what is meant by points in one frame.

        Args:
            session: The session that `kling multi-elements select` has opened.
            frame: Which picture of the video, counted from 0. 0 to 999.
            point: A point as shares of width and height from the upper left corner, 0
                to 1; repeatable, up to 10 in a frame and 10 frames. At most 10.
        """

    def multi_elements_remove(
        self,
        session: str,
        *,
        frame: int | None = None,
        point: tuple[float, float] | str | Sequence[tuple[float, float] | str] | None = None,
    ) -> ResultT:
        """Take points back; frame and coordinates exactly as they were added.

        Args:
            session: The session that `kling multi-elements select` has opened.
            frame: Which picture of the video, counted from 0. 0 to 999.
            point: A point as shares of width and height from the upper left corner, 0
                to 1; repeatable, up to 10 in a frame and 10 frames. At most 10.
        """

    def multi_elements_clear(
        self,
        session: str,
    ) -> ResultT:
        """Take back every point of a session.

        Args:
            session: The session that `kling multi-elements select` has opened.
        """

    def multi_elements_preview(
        self,
        session: str,
        *,
        output: str | PathLike[str] | None = None,
        force: bool = False,
    ) -> ResultT:
        """Save what is selected in motion: a video, its cover and the tracking.

        Args:
            session: The session that `kling multi-elements select` has opened.
            output: Save to this file, folder or template (default: `job.save()` does).
            force: Overwrite files that exist.
        """
