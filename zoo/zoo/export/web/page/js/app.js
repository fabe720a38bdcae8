// The page: tabs of models, a caption, images, and what can be done with them.

import { CaptionField } from "./caption-field.js";
import { Generating } from "./generating.js";
import { asPng } from "./images.js";
import { fetchIndex, openModel } from "./models.js";
import { at, button, chip, setProgress, showFault, showStatus, state } from "./page.js";
import { showChosenFrame, showWay } from "./way.js";
import { WordPanel } from "./word-panel.js";

const LAST_SEED = 2 ** 32 - 1;

const query = new URLSearchParams(location.search);
const backend = ["wasm", "webgpu"].includes(query.get("backend")) ? query.get("backend") : "auto";
const generating = new Generating(backend, () => words.show());
const words = new WordPanel(generating);
const first = new CaptionField(at("first"), markUnknown);
const second = new CaptionField(at("second"), markUnknown);
const models = new Map(); // name -> a promise of the model
let latest = null; // the entry that was chosen last

start().catch(showFault);

async function start() {
  document.documentElement.classList.toggle("embedded", query.has("embed"));
  state.index = await fetchIndex();
  listen();
  at("models").replaceChildren(...state.index.models.map(tab));
  at("models").hidden = state.index.models.length === 1;
  await choose(entryOf(location.hash) ?? state.index.models[0]);
}

function listen() {
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    generate();
  });
  at("between").addEventListener("click", () => setBetween(!state.model.between));
  at("download").addEventListener("click", download);
  at("step").addEventListener("input", showChosenFrame);
  at("seed").addEventListener("change", () => setSeed(at("seed").valueAsNumber));
  at("seed-down").addEventListener("click", () => setSeed(state.model.seed - 1));
  at("seed-up").addEventListener("click", () => setSeed(state.model.seed + 1));
  window.addEventListener("hashchange", () => {
    const entry = entryOf(location.hash);
    if (entry) choose(entry).catch(showFault);
  });
}

// Models

const entryOf = (hash) => state.index.models.find(({ name }) => `#${name}` === hash);

function tab(entry) {
  const made = button(entry.name, () => {
    history.replaceState(null, "", `#${entry.name}`);
    choose(entry).catch(showFault);
  });
  made.role = "tab";
  return made;
}

async function choose(entry) {
  if (!models.has(entry.name)) {
    models.set(entry.name, openModel(entry));
    models.get(entry.name).catch(() => models.delete(entry.name)); // the next click tries again
  }
  for (const made of at("models").children) made.ariaSelected = String(made.textContent === entry.name);
  keepTyped();
  latest = entry;
  const model = await models.get(entry.name);
  if (model === state.model || entry !== latest) return;
  state.model = model;
  showModel();
  if (model.rows.length === 0) await showSample();
  else await generating.generateMissing();
}

/** Keep what stands in the boxes with its model. */
function keepTyped() {
  if (state.model === null) return;
  state.model.caption = first.value;
  state.model.second = second.value;
}

function showModel() {
  const { name, description, caption, rows, seed, tokenizer } = state.model;
  document.title = `${name}: type a caption, see images`;
  first.value = caption;
  second.value = state.model.second;
  at("seed").value = seed;
  at("fields").hidden = at("between").hidden = !tokenizer.readsText;
  at("proposed").replaceChildren(...description.captions.map((text) => chip(text, () => propose(text))));
  at("rows").replaceChildren(...rows.map((row) => row.element));
  showStatus(`${description.resolution} × ${description.resolution} pixels`);
  showFault(null);
  setProgress(0);
  markUnknown();
  words.show();
  showWay();
  at("main").inert = false;
}

/** The images that came with the model: seen before anything is loaded. */
async function showSample() {
  const { model } = state;
  const row = generating.newRow(model.caption, model.seed);
  const sample = new Image();
  sample.src = `${model.folder}/sample.png`;
  await sample.decode();
  if (row.images.some((image) => image.waiting || image.maps.length > 0)) return; // the visitor was faster
  row.images.forEach((image, place) => image.showPart(sample, place, row.caption));
}

// Generating

async function generate() {
  const { model } = state;
  keepTyped();
  if (!model.tokenizer.readsText && model.seed === model.rows[0].seed) model.seed += 1; // else nothing is new
  at("seed").value = model.seed;
  await generating.generate();
}

async function propose(text) {
  first.value = text;
  markUnknown();
  await generate();
}

async function setSeed(seed) {
  const { model } = state;
  if (Number.isInteger(seed)) model.seed = Math.min(LAST_SEED, Math.max(0, seed));
  await generate();
}

async function setBetween(between) {
  keepTyped();
  state.model.between = between;
  markUnknown();
  words.show();
  showWay();
  await generating.generateMissing();
}

/** Mark in the boxes, and tell, what does not reach the images. */
function markUnknown() {
  const { name, between, tokenizer } = state.model;
  const unknown = [first, second].map((field) => tokenizer.unknown(field.text));
  first.mark(unknown[0]);
  second.mark(unknown[1]);
  const missing = new Set(unknown.slice(0, between ? 2 : 1).flatMap((pieces) => pieces.map(({ text }) => text)));
  at("unknown").textContent = missing.size > 0 ? `Not known to ${name}, left out: ${[...missing].join(", ")}` : "";
}

async function download() {
  const { name, seed, between, frames, rows } = state.model;
  const views = between ? [frames] : rows.map((row) => row.images);
  if (views[0].length === 0) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await asPng(views.map((row) => row.map((view) => view.pixels))));
  link.download = `${name}-${seed}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}
