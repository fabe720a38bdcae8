// Images on canvases, and attention over them.

// RGBA by the share of the scale: a veil where little is attended to, clear and warm where much is.
const RAMP = [
  [0, [8, 10, 18, 0.78]],
  [0.5, [20, 20, 26, 0.42]],
  [0.8, [255, 196, 66, 0.12]],
  [1, [255, 208, 84, 0.34]],
];
const GAP = 2; // pixels between images in a PNG
const OUTLIERS = 0.01; // a few places at either end do not set the scale

const copyOf = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

/** An element that shows an image once it is there. */
export class ImageView {
  constructor(resolution) {
    this.element = copyOf("image-template");
    [this.pixels, this.heat] = this.element.querySelectorAll("canvas");
    this.pixels.width = this.pixels.height = resolution;
    this.pixels.setAttribute("role", "img");
    this.maps = [];
  }

  /** Another image is to come in this one's place, which stays until then. */
  expect() {
    this.waiting = true;
    this.maps = [];
    this.clearOverlay();
  }

  get waiting() {
    return this.element.classList.contains("waiting");
  }

  set waiting(waiting) {
    this.element.classList.toggle("waiting", waiting);
  }

  /** image: {pixels, maps}, as the worker gives it. */
  show({ pixels, maps }, caption) {
    const { width, height } = this.pixels;
    this.pixels.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
    this.pixels.setAttribute("aria-label", caption);
    this.maps = maps;
    this.waiting = false;
  }

  /** A part of a strip of several images. */
  showPart(strip, place, caption) {
    const { width } = this.pixels;
    this.pixels.getContext("2d").drawImage(strip, -place * width, 0);
    this.pixels.setAttribute("aria-label", caption);
  }

  /** Lay the attention to a word over the image. row: the word's, of a stage's map; scale: [least, most]. */
  overlay(stage, row, [least, most]) {
    const { height, width } = this.maps[stage];
    const share = (value) => (value - least) / Math.max(most - least, 1e-12);
    const colours = Uint8ClampedArray.from([...rowOf(this.maps[stage], row)].flatMap((value) => colour(share(value))));
    this.heat.width = width;
    this.heat.height = height;
    this.heat.getContext("2d").putImageData(new ImageData(colours, width, height), 0, 0);
    this.heat.classList.add("shown");
  }

  clearOverlay() {
    this.heat.classList.remove("shown");
  }
}

/** A caption's images in a row, under the caption where there are several rows. */
export class RowView {
  constructor(resolution, count, caption, seed) {
    this.element = copyOf("row-template");
    this.caption = caption;
    this.seed = seed;
    this.images = Array.from({ length: count }, () => new ImageView(resolution));
    this.element.querySelector(".images").append(...this.images.map((image) => image.element));
  }

  /** Write the caption, of which parts [{text, swapped}] may be emphasised. */
  label(parts) {
    const nodes = parts.map(({ text, swapped }) => {
      const node = document.createElement(swapped ? "b" : "span");
      node.textContent = text;
      return node;
    });
    this.element.querySelector(".label").replaceChildren(...nodes);
  }
}

/** One scale for a word's attention over several images: [least, most]. */
export function attentionScale(images, stage, row) {
  const values = images.flatMap((image) => [...rowOf(image.maps[stage], row)]).sort((a, b) => a - b);
  const cut = Math.floor(OUTLIERS * values.length);
  return [values[cut], values[values.length - 1 - cut]];
}

function rowOf({ data, height, width }, row) {
  return data.subarray(row * height * width, (row + 1) * height * width);
}

function colour(share) {
  const value = Math.min(1, Math.max(0, share));
  const above = Math.max(1, RAMP.findIndex(([at]) => at >= value));
  const [[low, from], [high, to]] = [RAMP[above - 1], RAMP[above]];
  const [red, green, blue, alpha] = from.map((channel, i) => channel + ((value - low) / (high - low)) * (to[i] - channel));
  return [red, green, blue, 255 * alpha];
}

/** Rows of canvases as one PNG, at the images' own resolution: the grid that `zoo sample` writes. */
export function asPng(rows) {
  const { width, height } = rows[0][0];
  const sheet = document.createElement("canvas");
  sheet.width = rows[0].length * (width + GAP) - GAP;
  sheet.height = rows.length * (height + GAP) - GAP;
  const context = sheet.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, sheet.width, sheet.height);
  rows.forEach((row, y) =>
    row.forEach((canvas, x) => context.drawImage(canvas, x * (width + GAP), y * (height + GAP))),
  );
  return new Promise((resolve) => sheet.toBlob(resolve, "image/png"));
}
