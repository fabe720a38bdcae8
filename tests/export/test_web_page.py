"""The page without a server in a real browser: what it generates is what torch generates."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_models
from browsing import ARGUMENTS, CHROMIUM, NEEDS_CHROMIUM, PHONE, WIDE, chromium
from numpy.typing import NDArray
from PIL import Image

import zoo
from zoo.export.onnx_pipeline import split_words, torch_normal
from zoo.export.web.runtime import Runtime, find_runtime
from zoo.export.web.write import write_web
from zoo.imaging.grids import image_grid
from zoo.imaging.images import to_pillow
from zoo.pipeline import Pipeline
from zoo.vary import varied
from zoo_registry import ZooError

pytestmark = [*NEEDS_CHROMIUM, pytest.mark.xdist_group("web")]
CAPTION = "a small red bird with a yellow beak"
OTHER = "a large blue bird with black wings"
STEPS = 9
SMALL = ("tiny", "shapes", "flowers")


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    given = os.environ.get("WEB_RUNTIME")
    try:
        return find_runtime(Path(given) if given else None)
    except ZooError as error:
        pytest.skip(f"needs onnxruntime-web: {error}")


@pytest.fixture(scope="module")
def host(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Python's own server, with folders of shipped and of small models below it."""
    folder = tmp_path_factory.mktemp("host")
    small_models.wordless().save_pretrained(folder / "shapes")
    small_models.attending().save_pretrained(folder / "tiny")
    small_models.styled().save_pretrained(folder / "flowers")  # reads characters
    write_web(["aviary", "portraits"], folder / "some/where", runtime=runtime.folder)
    write_web([str(folder / name) for name in SMALL], folder / "small", runtime=runtime.folder)
    command = [
        sys.executable,
        "-u",
        "-m",
        "http.server",
        "0",
        "--bind",
        "127.0.0.1",
        "--directory",
        str(folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        message = re.search(r"port (\d+)", server.stdout.readline())
        assert message is not None
        yield f"http://127.0.0.1:{message[1]}"
        server.terminate()


@pytest.fixture(scope="module")
def small(host: str) -> str:
    return f"{host}/small/"


@pytest.fixture(scope="module")
def address(host: str) -> str:
    """Below a path, as on a host of many projects."""
    return f"{host}/some/where/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


class Visit:
    """A tab, and what it asked for and complained of."""

    def __init__(self, browser: Any, **settings: Any) -> None:
        self.page = browser.new_page(**({"viewport": WIDE} | settings))
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.set_default_timeout(60_000)

    def open(self, address: str) -> Any:
        self.page.goto(address)
        self.page.locator("#words button, #status:has-text('pixels')").first.wait_for()
        return self.page


@pytest.fixture
def visit(browser: Any, host: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """What the console complains of, and requests that leave the host, fail."""
    visit = Visit(browser, **getattr(request, "param", {}))
    yield visit
    visit.page.close()
    assert visit.faults == []
    assert [url for url in visit.asked if not url.startswith((host, "data:", "blob:"))] == []


@pytest.fixture
def tab(visit: Visit, address: str) -> Any:
    return visit.open(address)


@pytest.fixture(scope="module")
def birds() -> Pipeline:
    return zoo.load("aviary", device="cpu")


def wait_for_images(tab: Any, count: int) -> None:
    tab.locator("#status", has_text=f"{count} images in").wait_for()


def generate(tab: Any, caption: str, seed: int = 0) -> None:
    tab.locator("#seed").evaluate("(field, seed) => { field.value = seed; }", seed)
    tab.evaluate("document.querySelector('#status').textContent = ''")
    tab.fill("#caption", caption)
    tab.locator("#seed").dispatch_event("change")
    wait_for_images(tab, 4)


def downloaded(tab: Any) -> NDArray[np.int64]:
    with tab.expect_download() as download:
        tab.click("#download")
    with Image.open(BytesIO(Path(download.value.path()).read_bytes())) as image:
        return np.asarray(image.convert("RGB")).astype(np.int64)


def assert_same(found: NDArray[np.int64], images: Sequence[Image.Image], columns: int) -> None:
    expected = np.asarray(image_grid(images, columns)).astype(np.int64)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 2
    assert np.asarray(images[0]).std() > 10, "images of something"


def test_a_visitor_sees_images_before_anything_large_is_loaded(
    visit: Visit, tab: Any, birds: Pipeline
) -> None:
    caption = tab.input_value("#caption")
    assert_same(downloaded(tab), birds(caption, seed=0, images=4), 4)
    assert not [url for url in visit.asked if url.endswith((".onnx", ".wasm"))]


@pytest.mark.parametrize("seed", [0, 3, 2**32 - 1])
def test_enter_generates_the_images_of_torch(tab: Any, birds: Pipeline, seed: int) -> None:
    tab.fill("#seed", str(seed))
    tab.fill("#caption", CAPTION)
    tab.locator("#caption").press("Enter")
    wait_for_images(tab, 4)
    assert "\n" not in tab.input_value("#caption")
    assert_same(downloaded(tab), birds(CAPTION, seed=seed, images=4), 4)


def test_the_next_seed_gives_other_images(tab: Any, birds: Pipeline) -> None:
    tab.fill("#caption", CAPTION)
    tab.click("#seed-up")
    wait_for_images(tab, 4)
    assert tab.input_value("#seed") == "1"
    assert_same(downloaded(tab), birds(CAPTION, seed=1, images=4), 4)


def test_a_proposed_caption_generates(tab: Any, birds: Pipeline) -> None:
    chip = tab.locator("#proposed button").nth(2)
    caption = chip.get_attribute("title")
    chip.click()
    wait_for_images(tab, 4)
    assert tab.input_value("#caption") == caption
    assert_same(downloaded(tab), birds(caption, seed=0, images=4), 4)


def test_unknown_words_are_marked_and_left_out(tab: Any, birds: Pipeline) -> None:
    tab.fill("#caption", "a Zorbly <b>red</b> bird")
    assert tab.locator("#first mark").all_inner_texts() == ["Zorbly", "b", "b"]
    message = tab.locator("#unknown").inner_text()
    assert message == "Not known to aviary, left out: Zorbly, b"
    tab.click("#generate")
    wait_for_images(tab, 4)
    assert tab.locator("#words s").all_inner_texts() == ["Zorbly", "b", "b"]
    assert_same(downloaded(tab), birds("a red bird", seed=0, images=4), 4)
    tab.fill("#caption", "a red bird")
    assert tab.locator("#first mark").count() == 0
    assert tab.locator("#unknown").inner_text() == ""


@pytest.mark.parametrize(
    ("caption", "message"),
    [
        ("", "Expected a caption, got none."),
        ("zorbly", "no word of the caption “zorbly” is known to this model."),
    ],
)
def test_a_caption_that_cannot_be_read_is_told(tab: Any, caption: str, message: str) -> None:
    tab.fill("#caption", caption)
    tab.click("#generate")
    assert tab.locator("#fault").inner_text() == message
    tab.fill("#caption", CAPTION)
    tab.click("#generate")
    wait_for_images(tab, 4)
    assert not tab.locator("#fault").is_visible()


def heats(tab: Any) -> NDArray[np.int64]:
    """RGBA of the overlays [4,h,w,4]."""
    read = """all => all.map(c => [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data])"""
    canvases = tab.locator(".row:first-child .heat")
    resolution = canvases.first.evaluate("canvas => canvas.width")
    return np.array(canvases.evaluate_all(read)).reshape(4, resolution, resolution, 4)


def test_a_clicked_word_shows_its_attention(tab: Any, birds: Pipeline) -> None:
    generate(tab, CAPTION, seed=2)
    assert tab.locator(".heat.shown").count() == 0
    word = tab.locator("#words button", has_text="red")
    word.click()
    tab.locator(".heat.shown").nth(3).wait_for()
    row = CAPTION.split().index("red")
    maps = [stage[:, row].numpy() for stage in birds.generate(CAPTION, 2, 4).attention]
    tops = [np.sort(stage, axis=None)[-1 - stage.size // 100] for stage in maps]
    strongest = int(np.argmax(tops))
    pressed = tab.locator("#stages button[aria-pressed=true]")
    assert pressed.all_inner_texts() == [f"stage {strongest + 1}"]
    assert tab.locator("#most").inner_text() == f"{round(100 * tops[strongest])} %"
    for place, stage in enumerate(maps):
        if place != strongest:
            tab.locator("#stages button").nth(place).click()
        shown, clearest = heats(tab), stage > np.quantile(stage, 0.995)
        assert shown.shape[1:3] == stage.shape[1:3]
        assert (shown[clearest][:, 0] > 240).all(), "warm where the word is attended to most"
        assert (shown[stage < np.quantile(stage, 0.005)][:, 3] > 190).all(), "veiled where it is not"
        if place != strongest:
            tab.locator("#stages button").nth(strongest).click()
    word.click()
    assert tab.locator(".heat.shown").count() == 0
    assert not tab.locator("#panel").is_visible()


def test_a_word_of_the_first_images_has_attention_too(tab: Any) -> None:
    tab.locator("#words button", has_text="yellow").first.click()
    tab.locator(".heat.shown").nth(3).wait_for()
    tab.keyboard.press("Escape")
    assert tab.locator(".heat.shown").count() == 0


def test_a_word_is_swapped_by_the_same_noise(tab: Any, birds: Pipeline) -> None:
    generate(tab, CAPTION, seed=3)
    tab.locator("#words button", has_text="red").click()
    offered = tab.locator("#others button").all_inner_texts()
    assert "blue" in offered
    assert "red" not in offered
    tab.locator("#others button", has_text="blue").click()
    tab.locator("#other").fill("bright green")
    tab.locator("#other").press("Enter")
    tab.locator(".row:nth-child(3) .image:not(.waiting)").nth(3).wait_for()
    captions = varied(CAPTION, "red", ["blue", "bright green"])
    assert tab.locator(".row .label").all_inner_texts() == captions
    assert tab.locator(".row .label b").all_inner_texts() == ["red", "blue", "bright green"]
    assert_same(downloaded(tab), birds(captions, seed=3, images=4), 4)
    generate(tab, OTHER)
    assert tab.locator(".row").count() == 1


def test_a_slider_goes_from_one_caption_to_another(tab: Any, birds: Pipeline) -> None:
    tab.fill("#seed", "4")
    tab.fill("#caption", CAPTION)
    tab.click("#between")
    tab.fill("#other-caption", OTHER)
    tab.locator("#other-caption").press("Enter")
    wait_for_images(tab, STEPS)
    expected = to_pillow(birds.interpolate(CAPTION, OTHER, steps=STEPS, seed=4).flatten(0, 1))
    found = downloaded(tab)
    assert_same(found, expected, STEPS)
    frame = tab.locator("#frame")
    for step in (0, 5, 8):
        tab.locator("#step").fill(str(step))
        shown = frame.evaluate("""c => [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data]""")
        pixels = np.array(shown).reshape(64, 64, 4)[:, :, :3]
        assert np.abs(pixels - np.asarray(expected[step]).astype(np.int64)).max() <= 2
    tab.locator("#strip .image").nth(2).click()
    assert tab.input_value("#step") == "2"
    tab.click("#between")
    assert not tab.locator("#way").is_visible()


def test_models_are_tabs_that_keep_what_was_asked(tab: Any, birds: Pipeline) -> None:
    assert tab.get_by_role("tab").all_inner_texts() == ["aviary", "portraits"]
    generate(tab, CAPTION, seed=3)
    tab.get_by_role("tab", name="portraits").click()
    tab.locator("#words button", has_text="lips").wait_for()
    assert tab.evaluate("location.hash") == "#portraits"
    generate(tab, "a woman with red hair and earrings", seed=5)
    portraits = zoo.load("portraits", device="cpu")
    expected = portraits("a woman with red hair and earrings", seed=5, images=4)
    assert_same(downloaded(tab), expected, 4)
    tab.locator("#words button", has_text="red").click()
    assert not tab.locator("#legend").is_visible(), "portraits attends to no words"
    tab.click("#between")
    tab.fill("#other-caption", "a man in a blue shirt")
    tab.locator("#other-caption").press("Enter")
    wait_for_images(tab, STEPS)
    ends = ("a woman with red hair and earrings", "a man in a blue shirt")
    between = to_pillow(portraits.interpolate(*ends, steps=STEPS, seed=5).flatten(0, 1))
    assert_same(downloaded(tab), between, STEPS)
    tab.get_by_role("tab", name="aviary").click()
    tab.locator("#words button", has_text="beak").wait_for()
    assert (tab.input_value("#caption"), tab.input_value("#seed")) == (CAPTION, "3")
    assert_same(downloaded(tab), birds(CAPTION, seed=3, images=4), 4)


def test_an_address_names_a_model(visit: Visit, address: str) -> None:
    tab = visit.open(f"{address}#portraits")
    assert tab.locator("[role=tab][aria-selected=true]").inner_text() == "portraits"
    assert tab.title().startswith("portraits")


def test_the_last_that_was_asked_is_shown(tab: Any, birds: Pipeline) -> None:
    generate(tab, CAPTION)
    for caption in (OTHER, "a red bird", "a green bird"):
        tab.fill("#caption", caption)
        tab.locator("#caption").press("Enter")
    tab.get_by_role("tab", name="portraits").click()
    tab.locator("#words button", has_text="lips").wait_for()
    generate(tab, "blue hair")
    tab.get_by_role("tab", name="aviary").click()
    tab.locator("#words button", has_text="green").wait_for()
    tab.locator(".image:not(.waiting)").nth(3).wait_for()
    assert_same(downloaded(tab), birds("a green bird", seed=0, images=4), 4)


def test_a_job_takes_the_place_of_those_before_it(tab: Any) -> None:
    call = f"""async () => {{
        const {{ Engine }} = await import("{tab.url}js/engine.js");
        const {{ fetchIndex, forWorker, openModel }} = await import("{tab.url}js/models.js");
        const {{ models, sizes }} = await fetchIndex();
        const model = await openModel(models[0]);
        const engine = new Engine();
        const images = [0, 0, 0, 0];
        const run = (seed) => engine.run(
            {{ kind: "generate", tokens: model.tokenizer.tokenize("a red bird"), images: 2, seed, sizes,
               model: forWorker(model), backend: "wasm" }},
            {{ onImage: () => {{ images[seed] += 1; }}, onLoading() {{}}, replaces: seed !== 3 }});
        const ends = await Promise.all([0, 1, 2, 3].map(run));
        return [ends.map((end) => end?.kind ?? null), images];
    }}"""
    assert tab.evaluate(call) == [[None, None, "done", "done"], [0, 0, 2, 2]]


def test_a_file_that_cannot_be_loaded_is_told_and_asked_for_again(visit: Visit, address: str) -> None:
    tab = visit.open(address)
    tab.context.route("**/image.onnx", lambda route: route.fulfill(status=404))
    tab.click("#generate")
    message = tab.locator("#fault")
    message.wait_for()
    assert message.inner_text() == (
        "models/aviary/image.onnx cannot be loaded: expected status 200, got 404."
    )
    assert tab.locator(".waiting").count() == 0
    tab.context.unroute("**/image.onnx")
    tab.click("#generate")
    wait_for_images(tab, 4)
    assert [fault for fault in visit.faults if "404" in fault] == visit.faults
    visit.faults.clear()


def test_a_model_without_text_generates(visit: Visit, small: str, host: str) -> None:
    tab = visit.open(f"{small}#shapes")
    assert not tab.locator("#caption").is_visible()
    assert not tab.locator("#between").is_visible()
    tab.click("#generate")
    wait_for_images(tab, 4)
    assert tab.input_value("#seed") == "1", "another press, other images"
    expected = small_models.wordless()("", seed=1, images=4)
    assert_same(downloaded(tab), expected, 4)


FITS = "document.documentElement.scrollWidth"


@pytest.mark.parametrize("visit", [{"viewport": PHONE}], indirect=True)
def test_a_phone_shows_it_all(tab: Any) -> None:
    box = tab.locator(".tools").bounding_box()
    assert box["y"] + box["height"] <= PHONE["height"], "the first screen is complete"
    tab.fill("#caption", f"{CAPTION} zorbly {OTHER}")
    tab.click("#generate")
    wait_for_images(tab, 4)
    assert tab.evaluate(FITS) == PHONE["width"]
    tab.locator("#words button", has_text="red").first.click()
    tab.locator(".heat.shown").nth(3).wait_for()
    assert tab.evaluate(FITS) == PHONE["width"]
    tab.locator("#others button", has_text="green").click()
    tab.locator(".row:nth-child(2) .image:not(.waiting)").nth(3).wait_for()
    assert tab.evaluate(FITS) == PHONE["width"]
    outside = "all => all.filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML)"
    assert tab.locator(".image, .panel *, .tools *, .words button").evaluate_all(outside) == []
    tab.click("#between")
    wait_for_images(tab, STEPS)
    assert tab.evaluate(FITS) == PHONE["width"]
    assert tab.locator(".way .image, .way input").evaluate_all(outside) == []


def brightness(tab: Any) -> float:
    colour = tab.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    return float(np.mean([int(number) for number in re.findall(r"\d+", colour)[:3]]))


@pytest.mark.parametrize("visit", [{"color_scheme": "dark"}], indirect=True)
def test_it_is_dark_where_the_visitor_likes_it_dark(tab: Any) -> None:
    assert brightness(tab) < 50


def test_it_is_light_elsewhere(tab: Any) -> None:
    assert brightness(tab) > 200


def test_a_seed_has_the_noise_that_torch_gives_it(tab: Any) -> None:
    widths = [[8, 8], [7, 3, 5], [16, 1], [100, 100], [119, 8, 128], [33, 0], [0, 15], [1, 1, 1]]
    call = """([seed, image, widths]) => import("./js/noise.js").then(
        ({ torchNormal }) => torchNormal(seed, image, widths).map(row => [...row]))"""
    for seed in (0, 7, 2**32 - 1, 2**40 + 5):
        for image in (0, 5):
            for given in widths:
                found = tab.evaluate(call.replace("./js", f"{tab.url}js"), [seed, image, given])
                for ours, row in zip(torch_normal(seed, image, given), found, strict=True):
                    np.testing.assert_allclose(row, ours, rtol=0, atol=1e-6)


ODD = [
    CAPTION,
    "A RED-and blue_bird, 3 wings; ²x",
    "naïve Ünïcode İstanbul ΣΑΣ cafe\u0301",
    "हिन्दी 中文 한국어 नमस्ते\u200dक",
    "tabs\tand 👩‍🚀 signs…",
    "",
]


def test_words_are_those_of_python(tab: Any) -> None:
    call = f"""text => import("{tab.url}js/tokens.js").then(
        ({{ wordsOf }}) => wordsOf(text.toLowerCase()).map(({{ word }}) => word))"""
    for text in ODD:
        assert tab.evaluate(call, text) == split_words(text.lower()), text


@pytest.mark.parametrize(("place", "name"), [("some/where", "aviary"), ("small", "flowers")])
def test_captions_become_the_ids_of_torch(visit: Visit, host: str, place: str, name: str) -> None:
    pipe = zoo.load("aviary", device="cpu") if name == "aviary" else small_models.styled()
    tab = visit.open(f"{host}/{place}/")
    call = f"""([name, text]) => import("{tab.url}js/models.js").then(
        ({{ openModel }}) => openModel({{ name, folder: `models/${{name}}` }})).then(
        ({{ tokenizer }}) => [tokenizer.tokenize(text), tokenizer.unknown(text).map(({{ text }}) => text)])"""
    for text in [f"{text} bird" for text in ODD] + [" ".join(20 * ["red"]), 300 * "q", "ÄÖ red 3"]:
        if not pipe.parts.text_encoder.split(text):
            continue
        found, unknown = tab.evaluate(call, [name, text])
        tokens = pipe.tokens([text])
        assert tokens is not None
        assert found["ids"] == tokens.ids[0].tolist(), text
        assert found["mask"] == tokens.mask[0].tolist(), text
        if text.lower() == "".join(symbol.lower() for symbol in text) and len(text.lower()) == len(text):
            found_pieces = {piece.lower() for piece in unknown}
            assert found_pieces == set(pipe.unknown(text)), text


def test_within_another_page_it_has_no_heading(visit: Visit, address: str) -> None:
    tab = visit.open(f"{address}?embed")
    assert not tab.locator("h1").is_visible()
    assert tab.locator("#generate").is_visible()


def test_webgpu_generates_the_same(browser: Any, small: str) -> None:
    software = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--use-vulkan=swiftshader"]
    arguments = [argument for argument in ARGUMENTS if argument != "--disable-gpu"]
    other = browser.browser_type.launch(
        executable_path=CHROMIUM, args=[*arguments, *software, "--enable-features=Vulkan"]
    )
    visit = Visit(other)
    tab = visit.open(f"{small}?backend=webgpu")
    can = "async () => 'Suspending' in WebAssembly && !!(await navigator.gpu?.requestAdapter())"
    if not tab.evaluate(can):
        other.close()
        pytest.skip("this Chromium has no WebGPU in software")
    tab.click("#generate")
    wait_for_images(tab, 4)
    message, caption, found = (
        tab.locator("#status").inner_text(),
        tab.input_value("#caption"),
        downloaded(tab),
    )
    other.close()
    assert message.endswith("WebGPU")
    assert_same(found, small_models.attending()(caption, seed=0, images=4), 4)
    assert visit.faults == []
