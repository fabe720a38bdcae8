// Images of a caption, under its words: clicked, a word shows its attention and can be swapped.

import { ImageView, attentionScale } from "../../page/js/images.js";
import { isQuiet, proposals } from "../../page/js/words.js";
import { call, imageOf } from "./api.js";

const WORD = /[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu;
const copyOf = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

function button(text, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", () => onClick(made));
  return made;
}

/** A grid of images that are to come. */
export function newImages(count, resolution, caption) {
  const images = Array.from({ length: count }, () => new ImageView(resolution));
  for (const image of images) {
    image.expect();
    image.pixels.setAttribute("aria-label", caption);
  }
  return images;
}

/** Show an image of the studio's, whatever its size. */
export function paint(view, image) {
  view.pixels.width = image.naturalWidth;
  view.pixels.height = image.naturalHeight;
  view.pixels.getContext("2d").drawImage(image, 0, 0);
  view.waiting = false;
}

export class Row {
  #words;
  #panel = null;
  #chosen = null; // {word, at, place}: a word of the caption, and the place of its maps
  #host;

  /**
   * host: {fail(error), swap(row, caption, word)}, told what cannot be done, and what is to be generated.
   * model: as app.js keeps it. unknown: the words that do not reach the images. swapped: the word that was
   * put in.
   */
  constructor(host, model, { caption, seed, count, unknown, swapped = null }) {
    this.#host = host;
    this.model = model;
    Object.assign(this, { caption, seed, count, fresh: false });
    this.element = copyOf("row-template");
    this.images = newImages(count, model.about.resolution, caption);
    this.element.querySelector(".images").append(...this.images.map((image) => image.element));
    this.#words = this.element.querySelector(".words");
    this.#write(unknown.map((word) => word.toLowerCase()), swapped?.toLowerCase());
  }

  #write(unknown, swapped) {
    const parts = [];
    let done = 0;
    const seen = new Map();
    for (const { 0: word, index } of this.caption.matchAll(WORD)) {
      parts.push(this.caption.slice(done, index));
      done = index + word.length;
      const known = !unknown.includes(word.toLowerCase());
      const before = seen.get(word.toLowerCase()) ?? 0;
      seen.set(word.toLowerCase(), before + 1);
      const made = known ? button(word, () => this.#choose({ word, before, made })) : document.createElement("s");
      made.textContent = word;
      made.classList.toggle("quiet", isQuiet(word));
      made.classList.toggle("swapped", word.toLowerCase() === swapped);
      parts.push(made);
    }
    if (parts.length === 0) return;
    const hint = document.createElement("span");
    hint.className = "hint";
    hint.textContent = this.model.about.attends ? "click a word to see its attention, or to swap it" : "click a word to swap it";
    this.#words.replaceChildren(...parts, this.caption.slice(done), hint);
  }

  /** Fill with images [{image: file}] of the studio's. */
  async show(files) {
    const images = await Promise.all(files.map(({ image }) => imageOf(image)));
    images.forEach((image, place) => paint(this.images[place], image));
    this.fresh = true;
  }

  /** A part of a larger image. */
  showPart(image, place, x, y) {
    this.images[place].pixels.getContext("2d").drawImage(image, -x, -y);
    this.images[place].waiting = false;
  }

  async #choose(chosen) {
    const again = this.#chosen?.made === chosen.made;
    this.close();
    if (again) return;
    this.#host.onlyOpen(this);
    this.#chosen = chosen;
    chosen.made.ariaPressed = "true";
    this.#panel = copyOf("panel-template");
    this.element.append(this.#panel);
    this.#offerWords(chosen.word);
    const legend = this.#panel.querySelector(".legend");
    legend.hidden = true;
    if (!this.model.about.attends) return;
    try {
      const { words, stages } = await this.#attention();
      if (this.#chosen !== chosen) return;
      const place = placeOf(words, chosen);
      if (place === null) return;
      legend.hidden = false;
      const tops = stages.map((_, stage) => attentionScale(this.images, stage, place)[1]);
      const show = (stage) => this.#showAttention(stage, place, legend);
      const choices = stages.map(({ width }, stage) => button(stages.length > 1 ? `${width} px` : "attention", () => show(stage)));
      legend.querySelector(".stages").replaceChildren(...choices);
      show(tops.indexOf(Math.max(...tops)));
    } catch (error) {
      this.#host.fail(error);
    }
  }

  /** {words, stages}: the maps of all words, fetched once; they are the images', which may be the gallery's. */
  #attention() {
    this.maps ??= this.#fetchAttention();
    this.maps.catch(() => { this.maps = undefined; });
    return this.maps;
  }

  async #fetchAttention() {
    const given = [this.model.name, this.caption, this.count, this.seed];
    const done = this.#host.busy();
    try {
      if (!this.fresh) await this.show((await call("generate", given))[0]);
      const [[{ words, stages }]] = await call("attention", given);
      const sheets = await Promise.all(stages.map(({ maps }) => imageOf(maps)));
      this.images.forEach((image, place) => {
        image.maps = stages.map((stage, index) => mapsOf(sheets[index], stage, place, words.length));
      });
      return { words, stages };
    } finally {
      done();
    }
  }

  #showAttention(stage, place, legend) {
    const scale = attentionScale(this.images, stage, place);
    for (const image of this.images) image.overlay(stage, place, scale);
    const [least, most] = scale.map((value) => `${Math.round(100 * value)} %`);
    legend.querySelector(".least").textContent = least;
    legend.querySelector(".most").textContent = most;
    [...legend.querySelector(".stages").children].forEach((made, other) => { made.ariaPressed = String(other === stage); });
  }

  #offerWords(word) {
    const form = this.#panel.querySelector(".swap");
    const swap = (other) => {
      const whole = new RegExp(`(?<![\\p{L}\\p{N}_])${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\p{L}\\p{N}_])`, "giu");
      this.close();
      this.#host.swap(this, this.caption.replace(whole, () => other), other);
    };
    const known = { knows: (other) => this.model.known.has(other) };
    form.querySelector(".chips").replaceChildren(...proposals(word, known).map((other) => button(other, () => swap(other))));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const other = form.querySelector(".other").value.trim();
      if (other) swap(other);
    });
  }

  /** No word is chosen. */
  close() {
    if (this.#chosen) this.#chosen.made.ariaPressed = "false";
    this.#chosen = null;
    this.#panel?.remove();
    this.#panel = null;
    for (const image of this.images) image.clearOverlay();
  }
}

/** The place among the pieces that a model reads of a word, which may stand in the caption `before` times before; null for none. */
function placeOf(pieces, { word, before }) {
  const expected = word.toLowerCase();
  const plain = pieces.map((piece) => piece.toLowerCase().replace(/<\/w>$|^[Ġ▁]|^##/u, ""));
  const places = plain.flatMap((piece, place) => (piece === expected ? [place] : []));
  const parts = plain.flatMap((piece, place) => (piece.length > 1 && expected.startsWith(piece) ? [place] : []));
  return places[before] ?? places.at(-1) ?? parts[0] ?? null;
}

/** One image's maps of a stage, {data [L,h,w], height, width}, from the grey PNG of all. */
function mapsOf(sheet, { height, width, most }, place, length) {
  const canvas = document.createElement("canvas");
  canvas.width = length * width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(sheet, 0, -place * height);
  const { data } = context.getImageData(0, 0, canvas.width, height);
  const maps = new Float32Array(length * height * width);
  for (let word = 0; word < length; word++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        maps[(word * height + y) * width + x] = (data[4 * (y * canvas.width + word * width + x)] / 255) * most;
  return { data: maps, height, width };
}
