// The caption's words below its images: clicked, a word shows its attention and can be swapped.

import { attentionScale } from "./images.js";
import { at, button, chip, state } from "./page.js";
import { isQuiet, proposals } from "./words.js";

export class WordPanel {
  #generating;
  #chosen = null; // {word, row}: a word, and its place among the ids

  constructor(generating) {
    this.#generating = generating;
    at("swap").addEventListener("submit", (event) => {
      event.preventDefault();
      const other = at("other").value.trim();
      if (other) this.#swapFor(other);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#choose(null);
    });
  }

  /** Show the words of the caption that the images show, none of them chosen. */
  show() {
    const { description, between, rows, tokenizer } = state.model;
    const caption = rows[0]?.caption ?? "";
    at("look").hidden = between || caption === "";
    at("hint").textContent =
      description.attention.length > 0
        ? "Click a word to see its attention, or to swap it"
        : "Click a word to swap it";
    const parts = [];
    let done = 0;
    for (const piece of tokenizer.words(caption)) {
      parts.push(caption.slice(done, piece.at), this.#wordElement(piece));
      done = piece.at + piece.word.length;
    }
    at("words").replaceChildren(...parts, caption.slice(done));
    this.#choose(null);
  }

  #wordElement(piece) {
    const { word } = piece;
    if (!state.model.tokenizer.knows(word)) {
      const struck = document.createElement("s");
      struck.textContent = word;
      return struck;
    }
    const made = button(word, () => this.#choose(made.ariaPressed === "true" ? null : piece, made));
    made.classList.toggle("quiet", isQuiet(word));
    return made;
  }

  async #choose(piece, pressed = null) {
    this.#chosen = piece;
    for (const other of at("words").querySelectorAll("button")) other.ariaPressed = String(other === pressed);
    at("panel").hidden = piece === null;
    this.#hideAttention();
    if (piece === null) return;
    this.#offer(piece);
    if (at("legend").hidden) return;
    const row = state.model.rows[0];
    await this.#generating.addAttention(row);
    if (this.#chosen === piece) this.#showAttention(strongestStage(row.images, piece.row));
  }

  /** What can be done with a word. */
  #offer({ word, row }) {
    const { description, tokenizer } = state.model;
    const stages = description.attention;
    at("legend").hidden = row === null || stages.length === 0;
    at("stages").replaceChildren(...stages.map((_, stage) => this.#stageButton(stage, stages.length)));
    const others = proposals(word, tokenizer);
    at("others").replaceChildren(...others.map((other) => chip(other, () => this.#swapFor(other))));
  }

  /** A button that shows a stage's attention, or hides it. */
  #stageButton(stage, count) {
    return button(count > 1 ? `stage ${stage + 1}` : "attention", (made) => {
      if (made.ariaPressed === "true") this.#hideAttention();
      else this.#showAttention(stage);
    });
  }

  /** Lay the chosen word's attention over the images of its caption, on one scale. */
  #showAttention(stage) {
    const { images } = state.model.rows[0];
    if (images.some((image) => image.maps.length === 0)) return; // they are still to come
    const scale = attentionScale(images, stage, this.#chosen.row);
    for (const image of images) image.overlay(stage, this.#chosen.row, scale);
    const [least, most] = scale.map((value) => `${Math.round(100 * value)} %`);
    at("least").textContent = least;
    at("most").textContent = most;
    press(stage);
  }

  #hideAttention() {
    for (const image of state.model.rows.flatMap((row) => row.images)) image.clearOverlay();
    press(null);
  }

  async #swapFor(other) {
    at("other").value = "";
    this.#hideAttention(); // what is compared are the images
    await this.#generating.swap(this.#chosen.word, other);
  }
}

function press(stage) {
  [...at("stages").children].forEach((made, place) => {
    made.ariaPressed = String(place === stage);
  });
}

/** The stage in which a word has most attention anywhere. */
function strongestStage(images, row) {
  const tops = images[0].maps.map((_, stage) => attentionScale(images, stage, row)[1]);
  return tops.indexOf(Math.max(...tops));
}
