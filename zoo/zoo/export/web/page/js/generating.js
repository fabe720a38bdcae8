// What is asked of the worker, and where its images go.

import { Engine } from "./engine.js";
import { RowView } from "./images.js";
import { forWorker } from "./models.js";
import { at, setProgress, showFault, showStatus, state } from "./page.js";
import { swappedParts } from "./tokens.js";
import { newFrames, showChosenFrame } from "./way.js";

const IMAGES = 4;

export class Generating {
  #engine = new Engine();
  #backend;
  #onRow;

  /** backend: "auto", "wasm" or "webgpu". onRow: called when the first row has another caption. */
  constructor(backend, onRow) {
    this.#backend = backend;
    this.#onRow = onRow;
  }

  /** Generate what the model was asked for. */
  async generate() {
    const { model } = state;
    if (model.between) await this.#generateBetween(model);
    else await this.#generateRow(model);
  }

  /** Generate what another job took the place of, or what was asked for since. */
  async generateMissing() {
    const { model } = state;
    const views = model.between ? model.frames : model.rows.flatMap((row) => row.images);
    const stale = model.between && model.framesOf !== endsOf(model);
    if (stale || views.some((view) => view.waiting)) await this.generate();
  }

  /** A first row for a caption, whose images are to come; rows before it go. */
  newRow(caption, seed) {
    const { model } = state;
    const row = new RowView(model.description.resolution, IMAGES, caption, seed);
    model.rows = [row];
    at("rows").replaceChildren(row.element);
    this.#onRow();
    return row;
  }

  /** A row by the noise of the first, with another word in a word's place. */
  async swap(word, other) {
    const { model } = state;
    const row = model.rows[0];
    const parts = swappedParts(row.caption, word, other);
    const caption = parts.map(({ text }) => text).join("");
    const tokens = tokenized(model, caption);
    if (tokens === undefined || model.rows.some((found) => found.caption === caption)) return;
    const variant = new RowView(model.description.resolution, IMAGES, caption, row.seed);
    row.label(swappedParts(row.caption, word));
    variant.label(parts);
    model.rows.push(variant);
    at("rows").append(variant.element);
    await this.#fillRow(model, variant, tokens, { replaces: false });
  }

  /** The attention of a row's images, where they came without. */
  async addAttention(row) {
    const { model } = state;
    if (row.images.every((image) => image.maps.length > 0)) return;
    await this.#fillRow(model, row, tokenized(model, row.caption));
  }

  async #generateRow(model) {
    const tokens = tokenized(model, model.caption);
    if (tokens === undefined) return;
    const row = model.rows.length > 0 ? this.#reusedRow(model) : this.newRow(model.caption, model.seed);
    await this.#fillRow(model, row, tokens);
  }

  /** The first row, whose old images stay, dimmed, until the new ones are there. */
  #reusedRow(model) {
    const [row, ...others] = model.rows;
    for (const other of others) other.element.remove();
    model.rows = [row];
    row.caption = model.caption;
    row.seed = model.seed;
    row.label([]);
    this.#onRow();
    return row;
  }

  async #generateBetween(model) {
    const tokens = tokenized(model, model.caption);
    const second = tokens && tokenized(model, model.second);
    if (!second) return;
    model.framesOf = endsOf(model);
    const views = newFrames();
    const job = { kind: "between", tokens, second, steps: views.length, seed: model.seed };
    const ends = `“${model.caption}” to “${model.second}”`;
    const captionOf = (step) => `Step ${step + 1} of ${views.length} from ${ends}`;
    await this.#fill(model, views, job, { captionOf, onImage: showChosenFrame });
  }

  async #fillRow(model, row, tokens, options = {}) {
    const job = { kind: "generate", tokens, images: IMAGES, seed: row.seed };
    await this.#fill(model, row.images, job, { captionOf: () => row.caption, ...options });
  }

  /** Run a job and show its images as they come; what is not there when another replaces it stays waiting. */
  async #fill(model, views, job, { captionOf, onImage = () => {}, replaces = true }) {
    const progress = new Progress(model, views.length);
    for (const view of views) view.expect();
    try {
      const whole = { ...job, model: forWorker(model), sizes: state.index.sizes, backend: this.#backend };
      const done = await this.#engine.run(whole, {
        replaces,
        onLoading: (share) => progress.loading(share),
        onImage: (image) => {
          views[image.index].show(image, captionOf(image.index));
          progress.image();
          if (model === state.model) onImage();
        },
      });
      if (done !== null) progress.done(done.backend);
    } catch (error) {
      for (const view of views) view.waiting = false;
      progress.failed(error);
    }
  }
}

/** Tells how far a job is, while its model is shown. */
class Progress {
  #model;
  #count;
  #come = 0;
  #started = performance.now();

  constructor(model, count) {
    this.#model = model;
    this.#count = count;
    this.#show(0.02, "Generating…");
  }

  loading(share) {
    this.#started = performance.now(); // the time reported at the end is that of generating
    this.#show(share, `Loading, once: ${Math.round(100 * share)} %`);
  }

  image() {
    this.#come += 1;
    this.#show(this.#come / this.#count, "Generating…");
  }

  done(backend) {
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1);
    this.#show(0, `${this.#count} images in ${seconds} s, ${backend}`);
  }

  failed(error) {
    this.#show(0, "");
    if (this.#model === state.model) showFault(error);
  }

  #show(share, text) {
    if (this.#model !== state.model) return;
    setProgress(share);
    showStatus(text);
  }
}

const endsOf = ({ caption, second, seed }) => JSON.stringify([caption, second, seed]);

/** Ids of a caption; undefined, and a message, where the model can read none of it. */
function tokenized({ tokenizer }, caption) {
  try {
    showFault(null);
    if (tokenizer.readsText && caption === "") throw new Error("Expected a caption, got none");
    return tokenizer.tokenize(caption);
  } catch (error) {
    showFault(error);
    return undefined;
  }
}
