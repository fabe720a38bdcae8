"""The page: what stands where, and which handler is called when it is touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from . import work
from .handlers import Handlers
from .served_models import StudioModels

EXAMPLE = "a small red bird with a yellow beak"
"""Where the first model does not tell what its captions are like."""
GENERATING: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "generate"}
"""Two requests run at the same time; others wait."""
LIVE: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "always_last"}
"""Of what follows typing and sliding."""
HOUR = 3600
"""Seconds that what a client drew is kept."""
COMMAND = "The command that generates the same"


@dataclass(frozen=True)
class Shared:
    """The fields above the tabs, which all of them read."""

    model: gr.Dropdown
    seed: gr.Number
    images: gr.Slider


def page(models: StudioModels) -> gr.Blocks:
    """The page of the available models."""
    do = Handlers(models)
    names = list(models.names)
    with gr.Blocks(title="zoo studio", analytics_enabled=False, delete_cache=(HOUR, HOUR)) as blocks:
        gr.Markdown("# zoo studio")
        with gr.Row(equal_height=True):
            shared = Shared(
                model=_models(names, names[0], "Model", "model"),
                seed=gr.Number(
                    0,
                    label="Seed",
                    precision=0,
                    minimum=0,
                    maximum=work.LAST_SEED,
                    min_width=120,
                    elem_id="seed",
                ),
                images=gr.Slider(
                    1,
                    work.IMAGES,
                    value=4,
                    step=1,
                    label="Images per caption",
                    min_width=160,
                    elem_id="images",
                ),
            )
        about = gr.Markdown(elem_id="about")
        with gr.Tab("Generate"):
            proposed = _generate(do, shared, next(iter(do.captions(names[0])), EXAMPLE))
        with gr.Tab("Between two captions"):
            _between(do, shared)
        with gr.Tab("Swap a word"):
            _swap(do, shared)
        with gr.Tab("Restyle"):
            _restyle(do, shared)
        with gr.Tab("Compare"):
            _compare(do, shared, names)
        for handler, output, known in (
            (do.about, about, {"api_name": "about"}),
            (do.proposed, proposed, {"api_visibility": "private"}),
        ):
            changes: dict[str, Any] = {"show_progress": "hidden", **known}
            gr.on([blocks.load, shared.model.change], handler, shared.model, output, **changes)
    return blocks


def _generate(do: Handlers, shared: Shared, first: str) -> gr.Dataset:
    """Its fields, with a first caption; the captions to be picked, which follow the model."""
    captions = gr.Textbox(
        first, label="Captions, one per line", lines=2, max_lines=work.CAPTIONS, elem_id="captions"
    )
    proposed = gr.Dataset(
        components=["textbox"], samples=[], label="Captions of its data", visible=False, elem_id="proposed"
    )
    unknown = gr.HTML(elem_id="unknown")
    go = gr.Button("Generate", variant="primary", elem_id="generate")
    gallery = _gallery("Images", "gallery")
    looked = gr.HTML(elem_id="looked")
    with gr.Row():
        grid = gr.DownloadButton("Images as one PNG", elem_id="grid")
        recipe = gr.DownloadButton("Recipe", elem_id="recipe")
    command = gr.Code(label=COMMAND, language="shell", lines=1, elem_id="command")
    asked = gr.State(None, time_to_live=HOUR)
    gr.on(
        [go.click, captions.submit],
        do.generate,
        [shared.model, captions, shared.images, shared.seed],
        [gallery, looked, grid, recipe, command, asked],
        api_name="generate",
        **GENERATING,
    )
    gr.on(
        [captions.change, shared.model.change],
        do.unknown,
        [shared.model, captions],
        unknown,
        api_name="unknown",
        **LIVE,
    )
    proposed.click(lambda chosen: chosen[0], proposed, captions, api_visibility="private", **LIVE)
    gallery.select(do.look, asked, looked, api_visibility="private", **GENERATING)
    return proposed


def _between(do: Handlers, shared: Shared) -> None:
    with gr.Row():
        first = gr.Textbox("a red bird", label="From", elem_id="from")
        second = gr.Textbox("a blue bird", label="To", elem_id="to")
    go = gr.Button("Generate", variant="primary", elem_id="generate-between")
    way = gr.Slider(0, work.STEPS - 1, value=0, step=1, label="From the one to the other", elem_id="way")
    frame = gr.Image(
        label="Image", format="png", height=320, interactive=False, buttons=["download"], elem_id="frame"
    )
    strip = _gallery("All", "strip", columns=work.STEPS)
    animation = gr.DownloadButton("As a GIF", elem_id="animation")
    frames = gr.State([], time_to_live=HOUR)
    go.click(
        do.between,
        [shared.model, first, second, shared.seed],
        [strip, frame, way, animation, frames],
        api_name="between",
        **GENERATING,
    )
    way.input(do.frame, [frames, way], frame, api_visibility="private", **LIVE)


def _swap(do: Handlers, shared: Shared) -> None:
    caption = gr.Textbox(EXAMPLE, label="Caption", elem_id="swap-caption")
    with gr.Row():
        word = gr.Textbox("red", label="Word", elem_id="word")
        others = gr.Textbox("blue, green, black", label="In its place, separated by commas", elem_id="others")
    go = gr.Button("Generate", variant="primary", elem_id="generate-swap")
    variants = _gallery("Variant by variant", "variants")
    command = gr.Code(label=COMMAND, language="shell", lines=1)
    go.click(
        do.swap,
        [shared.model, caption, word, others, shared.images, shared.seed],
        [variants, command],
        api_name="swap",
        **GENERATING,
    )


def _restyle(do: Handlers, shared: Shared) -> None:
    gr.Markdown(
        "An image of the caption in the pose and background of another, by the model's style encoder."
    )
    with gr.Row():
        image = _upload()
        restyled = gr.Image(
            label="Restyled", format="png", interactive=False, buttons=["download"], elem_id="restyled"
        )
    caption = gr.Textbox("a red flower", label="Caption", elem_id="restyle-caption")
    go = gr.Button("Generate", variant="primary", elem_id="generate-restyle")
    go.click(do.restyle, [shared.model, image, caption], restyled, api_name="restyle", **GENERATING)


def _compare(do: Handlers, shared: Shared, names: list[str]) -> None:
    other = _models(names, names[-1], "With", "other")
    captions = gr.Textbox(EXAMPLE, label="Captions, one per line", lines=2, elem_id="compare-captions")
    go = gr.Button("Generate", variant="primary", elem_id="generate-compare")
    with gr.Row():
        left = _gallery("Model", "left", columns=2)
        right = _gallery("With", "right", columns=2)
    go.click(
        do.compare,
        [shared.model, other, captions, shared.images, shared.seed],
        [left, right],
        api_name="compare",
        **GENERATING,
    )


def _models(names: list[str], value: str, label: str, place: str) -> gr.Dropdown:
    return gr.Dropdown(
        names, value=value, label=label, filterable=len(names) > 8, min_width=280, elem_id=place
    )


def _gallery(label: str, place: str, columns: int = 4) -> gr.Gallery:
    """As PNG: what was generated, to the bit."""
    return gr.Gallery(
        label=label, columns=columns, format="png", height="auto", elem_id=place, elem_classes="images"
    )


def _upload() -> gr.Image:
    """The field for an image; a file that no decoder knows gives a message."""
    field = gr.Image(
        label="Image", type="filepath", image_mode=None, sources=["upload", "clipboard"], elem_id="upload"
    )
    opened = field.preprocess

    def preprocess(payload: Any) -> Any:
        try:
            return opened(payload)
        except (OSError, ValueError, Image.DecompressionBombError):
            raise gr.Error(
                "the image cannot be read; expected a PNG or a JPEG", print_exception=False
            ) from None

    field.preprocess = preprocess  # type: ignore[method-assign]
    return field
