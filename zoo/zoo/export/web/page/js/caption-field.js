// A text box that grows with its text and underlines what a model does not know.

export class CaptionField {
  #box;
  #mirror;

  /** lines: whether it takes several, with Shift+Enter between them. */
  constructor(root, onInput, { lines = false } = {}) {
    this.#box = root.querySelector("textarea");
    this.#mirror = root.querySelector(".mirror");
    this.#box.addEventListener("input", () => {
      if (!lines && this.#box.value.includes("\n")) this.#box.value = this.#box.value.replaceAll("\n", " ");
      onInput();
    });
    this.#box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || (lines && event.shiftKey)) return;
      event.preventDefault();
      this.#box.form.requestSubmit();
    });
  }

  /** As it stands in the box. */
  get text() {
    return this.#box.value;
  }

  /** The caption. */
  get value() {
    return this.#box.value.trim();
  }

  set value(text) {
    this.#box.value = text;
  }

  /** Underline pieces [{text, at}] of the text. */
  mark(pieces) {
    const text = this.#box.value;
    const parts = [];
    let done = 0;
    for (const { text: piece, at } of pieces) {
      if (at < done) continue; // a character of which two entries are unknown
      const mark = document.createElement("mark");
      mark.textContent = piece;
      parts.push(text.slice(done, at), mark);
      done = at + piece.length;
    }
    this.#mirror.replaceChildren(...parts, text.slice(done));
  }
}
