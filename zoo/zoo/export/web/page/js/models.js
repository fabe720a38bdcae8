// The folder's models: what they are called, how they read, what they have shown.

import { Tokenizer } from "./tokens.js";

const FORMAT = 1;

async function fetchJson(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} cannot be loaded: expected status 200, got ${response.status}`);
  const found = await response.json();
  if (found.format !== FORMAT) throw new Error(`${path}: expected format ${FORMAT}, got ${found.format}`);
  return found;
}

/** models.json: the models in the order of their tabs, and each file's size in bytes. */
export const fetchIndex = () => fetchJson("models.json");

/** A model with what a visitor has asked of it, kept while they look at another. */
export async function openModel({ name, folder }) {
  const description = await fetchJson(`${folder}/model.json`);
  const tokenizer = new Tokenizer(description.tokens);
  const { captions } = description;
  return {
    name,
    folder,
    description,
    tokenizer,
    caption: captions[0] ?? "",
    second: captions[1] ?? "",
    seed: 0,
    between: false,
    rows: [],
    frames: [],
    framesOf: null,
  };
}

/** What the worker needs of a model. */
export function forWorker({ folder, description, tokenizer }) {
  const { tokens, noise_width, code_width, attention, resolution, captions } = description;
  return {
    folder,
    noise_width,
    code_width,
    attention,
    resolution,
    tokens: tokens === null ? null : tokens.scheme,
    sample: { tokens: tokenizer.tokenize(captions[0] ?? "") },
  };
}
