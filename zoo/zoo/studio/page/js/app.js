// The studio's page: models, what can be done with each, a caption, images.

import { CaptionField } from "../../page/js/caption-field.js";
import { ImageView } from "../../page/js/images.js";
import { KINDS } from "../../page/js/words.js";
import { call, imageOf, upload, urlOf } from "./api.js";
import { Row, newImages, paint } from "./row.js";

const LAST_SEED = 2 ** 32 - 1;
const MOST_IMAGES = 8;
const STEPS = 9;
const GAP = 2; // pixels between the images of a gallery
const MODES = [
  { key: "generate", label: "Generate", fits: () => true },
  { key: "between", label: "Between", fits: ({ about }) => about.reads_text },
  { key: "restyle", label: "Restyle", fits: ({ about }) => about.restyles },
  { key: "compare", label: "Compare", fits: () => names.length > 1 },
];

const at = (id) => document.getElementById(id);
const names = [];
const models = new Map(); // name -> a promise of the model
let model = null; // the one that is shown
let latest = null; // the name that was chosen last
let running = 0;

const first = new CaptionField(at("first"), () => noteTyping(), { lines: true });
const second = new CaptionField(at("second"), () => noteTyping());

const host = {
  fail: showFault,
  busy: () => startProgress(),
  onlyOpen: (row) => model.rows.forEach((other) => other !== row && other.close()),
  swap: (row, caption, word) => swap(row, caption, word),
};

start().catch(showFault);

async function start() {
  listen();
  const done = startProgress();
  names.push(...(await (await fetch("models.json")).json()).models);
  at("models").replaceChildren(...names.map(modelTab));
  at("models").hidden = names.length === 1;
  const named = decodeURIComponent(location.hash.slice(1));
  await choose(names.includes(named) ? named : names[0]).finally(done);
}

function listen() {
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    generate();
  });
  const steppers = [["seed", 0, LAST_SEED], ["images", 1, MOST_IMAGES]];
  for (const [key, least, most] of steppers) {
    const set = (value) => {
      if (Number.isInteger(value)) model[key] = Math.min(most, Math.max(least, value));
      at(key).value = model[key];
      generate();
    };
    at(key).addEventListener("change", () => set(at(key).valueAsNumber));
    at(`${key}-down`).addEventListener("click", () => set(model[key] - 1));
    at(`${key}-up`).addEventListener("click", () => set(model[key] + 1));
  }
  at("show-command").addEventListener("click", () => {
    at("command").hidden = !at("command").hidden;
    at("show-command").ariaExpanded = String(!at("command").hidden);
  });
  at("step").addEventListener("input", () => showFrame(Number(at("step").value)));
  at("other").addEventListener("change", () => {
    model.other = at("other").value;
    noteTyping();
    generate();
  });
  at("upload").addEventListener("change", () => take(at("upload").files[0]));
  at("drop").addEventListener("dragover", (event) => event.preventDefault());
  at("drop").addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => model?.mode === "restyle" && take(event.clipboardData.files[0]));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") model?.rows.forEach((row) => row.close());
  });
}

// Models

function modelTab(name) {
  const parts = name.replace(/\/model\/?$/, "").split("/");
  const made = tab(parts.at(-1) || name, () => {
    history.replaceState(null, "", `#${encodeURIComponent(name)}`);
    choose(name).catch(showFault);
  });
  made.title = name;
  return made;
}

function tab(label, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.role = "tab";
  made.textContent = label;
  made.addEventListener("click", onClick);
  return made;
}

async function choose(name) {
  if (!models.has(name)) {
    models.set(name, open(name));
    models.get(name).catch(() => models.delete(name)); // the next click tries again
  }
  [...at("models").children].forEach((made, place) => { made.ariaSelected = String(names[place] === name); });
  at("models").children[names.indexOf(name)].scrollIntoView({ block: "nearest", inline: "nearest" });
  keepTyped();
  latest = name;
  const done = startProgress();
  try {
    const found = await models.get(name);
    if (found === model || name !== latest) return;
    model = found;
    showModel();
    if (model.rows.length === 0) await showGallery();
  } finally {
    done();
  }
}

async function open(name) {
  const [about] = await call("about", [name]);
  const caption = about.captions[0] ?? "";
  const opened = {
    name, about, known: new Set(), caption, second: about.captions[1] ?? caption, mode: "generate", seed: 0, images: 4,
    other: about.compare_with, rows: [], gallery: null, frames: [], answers: {}, source: null,
  };
  if (about.reads_text) learnWords(opened).catch(() => {}); // without them no swap is proposed
  return opened;
}

/** Ask which of the words that may be swapped a model knows; it is loaded for that, behind the gallery. */
async function learnWords(opened) {
  const words = KINDS.flat();
  const [[{ unknown }]] = await call("unknown", [opened.name, words.join(" ")]);
  opened.known = new Set(words.filter((word) => !unknown.includes(word)));
}

/** Keep what stands in the boxes with its model. */
function keepTyped() {
  if (model === null) return;
  model.caption = first.value;
  model.second = second.value;
}

function showModel() {
  const { name, about } = model;
  document.title = `${name}: zoo studio`;
  first.value = model.caption;
  second.value = model.second;
  at("seed").value = model.seed;
  at("images").value = model.images;
  const fitting = MODES.filter((mode) => mode.fits(model));
  at("modes").hidden = fitting.length === 1;
  at("modes").replaceChildren(...fitting.map(({ key, label }) => {
    const made = tab(label, () => setMode(key));
    made.dataset.mode = key;
    return made;
  }));
  at("other").replaceChildren(...names.map((other) => new Option(other, other, false, other === model.other)));
  at("left").querySelector("h2").textContent = name;
  at("rows").replaceChildren(...model.rows.map((row) => row.element));
  at("pair").querySelectorAll(".rows").forEach((rows) => rows.replaceChildren());
  at("restyled").replaceChildren();
  showSource();
  showFrames();
  showAbout();
  showFault(null);
  setMode(model.mode);
  at("main").inert = false;
}

function setMode(mode) {
  keepTyped();
  model.mode = mode;
  for (const made of at("modes").children) made.ariaSelected = String(made.dataset.mode === mode);
  at("rows").hidden = at("gallery").hidden = mode !== "generate";
  at("fields").hidden = !model.about.reads_text && mode !== "compare"; // the other model may read captions
  at("second").hidden = at("way").hidden = mode !== "between";
  at("way").hidden ||= model.frames.length === 0;
  at("restyle").hidden = mode !== "restyle";
  at("pair").hidden = mode !== "compare";
  at("seed").parentElement.hidden = mode === "restyle"; // the image tells the noise
  at("counter").hidden = mode === "between" || mode === "restyle";
  at("recipe").hidden = at("show-command").hidden = mode !== "generate";
  at("caption").ariaLabel = mode === "generate" || mode === "compare" ? "Captions, one per line" : "Caption";
  showAnswer();
  showFault(null);
  noteTyping();
  const isEmpty = { between: model.frames.length === 0, compare: !at("pair").querySelector(".row") }[mode];
  if (isEmpty) generate(); // nothing is shown empty
}

function showAbout() {
  const { name, about } = model;
  const paper = about.paper ? `, after ${about.paper}` : "";
  const data = about.data ? `, trained on ${about.data}` : "";
  const strong = document.createElement("b");
  strong.textContent = about.recipe;
  at("about").replaceChildren(strong, `: ${about.resolution} × ${about.resolution} pixels${paper}${data}.`);
  at("about").title = name;
}

// The gallery: what a model does, seen before anything is asked for

async function showGallery() {
  const shown = model;
  const row = newRow(shown, { caption: shown.caption, seed: shown.seed, count: shown.images, unknown: [] });
  shown.rows = [row];
  at("rows").replaceChildren(row.element);
  const [gallery] = await call("gallery", [shown.name]);
  const sheet = await imageOf(gallery.image);
  shown.gallery = { ...gallery, sheet };
  if (shown.rows[0] !== row) return; // the visitor was faster
  const place = Math.max(0, gallery.captions.indexOf(row.caption));
  if (gallery.captions[place] !== row.caption) {
    row.caption = gallery.captions[place];
    first.value = row.caption;
  }
  row.images.forEach((_, column) => row.showPart(sheet, column, ...corner(gallery, place, column % gallery.columns)));
  shown.takes = [];
  showTiles();
}

const corner = ({ resolution }, row, column) => [column * (resolution + GAP), row * (resolution + GAP)];

function showTiles() {
  const { gallery } = model;
  at("tiles").replaceChildren();
  if (gallery === null) return;
  at("tiles").replaceChildren(
    ...gallery.captions.flatMap((caption, row) => {
      if (caption === "") return [];
      const view = new ImageView(gallery.resolution);
      const [x, y] = corner(gallery, row, (row + 1) % gallery.columns);
      view.pixels.getContext("2d").drawImage(gallery.sheet, -x, -y);
      view.pixels.setAttribute("aria-hidden", "true");
      const text = document.createElement("span");
      text.textContent = caption;
      const made = document.createElement("button");
      made.type = "button";
      made.append(view.element, text);
      made.addEventListener("click", () => {
        first.value = caption;
        noteTyping();
        scrollTo({ top: 0, behavior: "smooth" });
        generate();
      });
      return [made];
    }),
  );
}

// Generating

async function generate() {
  keepTyped();
  showFault(null);
  const asked = model;
  const done = startProgress();
  const work = { generate: generateRows, between: generateBetween, restyle: generateRestyled, compare: generateCompared };
  try {
    asked.job?.abort(new DOMException("another request came", "AbortError"));
    asked.job = new AbortController();
    await work[asked.mode](asked, asked.job.signal);
  } catch (error) {
    if (error.name !== "AbortError" && asked === model) showFault(error);
  } finally {
    done();
  }
}

const newRow = (shown, settings) => new Row(host, shown, settings);
const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
const captionsOf = ({ about, caption }) => (about.reads_text ? linesOf(caption) : [""]);

async function generateRows(asked, signal) {
  const { name, about, seed, images: count } = asked;
  if (!about.reads_text && asked.rows[0]?.fresh && asked.rows[0].seed === seed && asked.rows[0].count === count) {
    asked.seed = (seed + 1) % (LAST_SEED + 1); // else nothing is new
    at("seed").value = asked.seed;
  }
  const captions = captionsOf(asked);
  const text = captions.join("\n");
  const started = Date.now();
  for (const image of asked.rows.flatMap((row) => row.images)) image.expect();
  asked.rows.forEach((row) => row.close());
  try {
    const [lines] = about.reads_text && captions.length > 0 ? await call("unknown", [name, text], { signal }) : [[]];
    const [files, grid, recipe, command] = await call("generate", [name, text, count, asked.seed], { onWait: showWait, signal });
    const rows = captions.map((caption, place) =>
      newRow(asked, { caption, seed: asked.seed, count, unknown: lines[place]?.unknown ?? [] }),
    );
    await Promise.all(rows.map((row, place) => row.show(files.slice(place * count, (place + 1) * count))));
    asked.rows = rows;
    asked.answers.generate = { png: grid, recipe, command, name: `${asked.about.recipe}-${asked.seed}.png` };
    if (asked === model) {
      at("rows").replaceChildren(...rows.map((row) => row.element));
      showAnswer();
      showStatus(`${files.length} images in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    }
  } catch (error) {
    for (const image of asked.rows.flatMap((row) => row.images)) image.waiting = false; // the old ones stay
    throw error;
  }
}

/** A row below another's, by its noise, with another word. */
async function swap(row, caption, word) {
  const asked = model;
  if (asked.rows.some((other) => other.caption === caption && other.seed === row.seed)) return;
  const done = startProgress();
  const { name, about } = asked;
  let variant = null;
  try {
    const [lines] = await call("unknown", [name, caption]);
    variant = newRow(asked, { caption, seed: row.seed, count: row.count, unknown: lines[0]?.unknown ?? [], swapped: word });
    asked.rows.push(variant);
    at("rows").append(variant.element);
    const [files] = await call("generate", [name, caption, row.count, row.seed], { onWait: showWait });
    await variant.show(files);
    showStatus(`${about.resolution} × ${about.resolution} pixels`);
  } catch (error) {
    asked.rows = asked.rows.filter((other) => other !== variant);
    variant?.element.remove();
    if (asked === model) showFault(error);
  } finally {
    done();
  }
}

async function generateBetween(asked, signal) {
  const { name, about, seed } = asked;
  if (asked.frames.length === 0) {
    asked.frames = newImages(STEPS, about.resolution, "");
    showFrames();
    at("way").hidden = asked.mode !== "between";
  }
  for (const frame of asked.frames) frame.expect();
  try {
    const [files, gif] = await call("between", [name, asked.caption, asked.second, seed], { onWait: showWait, signal });
    const images = await Promise.all(files.map(imageOf));
    asked.frames.forEach((frame, step) => {
      paint(frame, images[step]);
      frame.pixels.setAttribute("aria-label", `Step ${step + 1} of ${STEPS}`);
    });
    asked.answers.between = { png: gif, name: `${about.recipe}-${seed}.gif` };
    if (asked !== model) return;
    showFrame(Math.min(Number(at("step").value), STEPS - 1));
    showAnswer();
    showStatus(`${STEPS} images`);
  } catch (error) {
    for (const frame of asked.frames) frame.waiting = false;
    if (!asked.answers.between) asked.frames = [];
    if (asked === model) {
      showFrames();
      at("way").hidden = asked.frames.length === 0;
    }
    throw error;
  }
}

function showFrames() {
  at("step").max = STEPS - 1;
  at("strip").replaceChildren(...model.frames.map((frame) => frame.element));
  model.frames.forEach((frame, step) => { frame.element.onclick = () => showFrame(step); });
  if (model.frames.length > 0) showFrame(0);
}

/** Show the frame of a step at large. */
function showFrame(step) {
  const { frames } = model;
  const { pixels } = frames[step];
  const large = at("frame");
  large.width = large.height = pixels.width;
  large.getContext("2d").drawImage(pixels, 0, 0);
  at("step").value = step;
  frames.forEach((frame, place) => frame.element.classList.toggle("chosen", place === step));
}

async function take(file) {
  if (!file) return;
  if (model.source) URL.revokeObjectURL(model.source.url);
  model.source = { file, sent: null, url: URL.createObjectURL(file) };
  at("upload").value = "";
  showSource();
  await generate();
}

function showSource() {
  at("source").hidden = model.source === null;
  if (model.source !== null) at("source").src = model.source.url;
}

async function generateRestyled(asked, signal) {
  const { name, about, source } = asked;
  if (source === null) throw new Error("expected an image: choose one");
  const [image] = newImages(1, about.resolution, asked.caption);
  at("restyled").replaceChildren(image.element);
  try {
    source.sent ??= await upload(source.file);
    const [file] = await call("restyle", [name, source.sent, asked.caption], { onWait: showWait, signal });
    paint(image, await imageOf(file));
    asked.answers.restyle = { png: file, name: `${about.recipe}-restyled.png` };
    if (asked === model) showAnswer();
  } catch (error) {
    source.sent = null; // an upload may be gone by the next try
    image.element.remove();
    throw error;
  }
}

async function generateCompared(asked, signal) {
  const { name, about, other, seed, images: count } = asked;
  const sides = [at("left"), at("right")];
  const counterpart = await models.get(other)?.catch(() => null) ?? { about: (await call("about", [other], { signal }))[0] };
  const both = [about, counterpart.about];
  const captions = both.some((own) => own.reads_text) ? linesOf(asked.caption) : [""];
  if (captions.length === 0) throw new Error("expected a caption, such as: a small red bird");
  const grids = both.map((own, side) => {
    const rows = (own.reads_text ? captions : [""]).map((caption) => {
      const row = document.createElement("div");
      const label = document.createElement("p");
      label.className = "label";
      label.textContent = captions.length > 1 ? caption : "";
      const images = newImages(count, own.resolution, caption);
      const grid = document.createElement("div");
      grid.className = "images";
      grid.append(...images.map((image) => image.element));
      row.className = "row";
      row.append(label, grid);
      return { row, images };
    });
    sides[side].querySelector(".rows").replaceChildren(...rows.map(({ row }) => row));
    return rows;
  });
  // A request per model: one that cannot generate leaves the other's images.
  const answers = await Promise.allSettled(both.map(async (own, side) => {
    const given = [[name, other][side], own.reads_text ? captions.join("\n") : "", count, seed];
    try {
      const [files] = await call("generate", given, { onWait: showWait, signal });
      const images = await Promise.all(files.map(({ image }) => imageOf(image)));
      grids[side].flatMap((row) => row.images).forEach((view, place) => paint(view, images[place]));
    } catch (error) {
      grids[side].forEach(({ row }) => row.remove());
      throw error.name === "AbortError" ? error : new Error(`${given[0]}: ${error.message}`);
    }
  }));
  showStatus("");
  const failed = answers.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
}

// What the boxes and the tools tell

let typing = 0;

/** Mark in the boxes, and tell, what does not reach the images; once the typing pauses. */
function noteTyping() {
  clearTimeout(typing);
  typing = setTimeout(() => markUnknown().catch(() => {}), 120); // unmarked, where the studio is busy
}

async function markUnknown() {
  const { name, mode, other } = model;
  const shown = model;
  const texts = [first.text, mode === "between" ? second.text : ""];
  const asked = mode === "compare" && other !== name ? [name, other] : [name];
  const found = await Promise.all(
    asked.map((one) => Promise.all(texts.map(async (text) => (text.trim() ? missing(await call("unknown", [one, text])) : [])))),
  );
  if (shown !== model || texts[0] !== first.text || mode !== model.mode) return;
  [first, second].forEach((field, place) => field.mark(placesOf(field.text, found.flatMap((words) => words[place]))));
  const told = found.map((words, place) => {
    const left = [...new Set(words.flat())];
    return left.length > 0 ? `Not known to ${asked[place]}, left out: ${left.join(", ")}` : "";
  });
  at("unknown").textContent = mode === "compare" ? "" : told[0];
  at("left").querySelector(".unknown").textContent = mode === "compare" ? told[0] : "";
  at("right").querySelector(".unknown").textContent = told[1] ?? "";
}

const missing = ([lines]) => lines.flatMap(({ unknown }) => unknown);

/** Where words stand in a text, in order: [{text, at}]. */
function placesOf(text, words) {
  const found = new Map();
  for (const word of words) {
    const plain = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const whole = /^[\p{L}\p{N}]+$/u.test(word) ? `(?<![\\p{L}\\p{N}_])${plain}(?![\\p{L}\\p{N}_])` : plain;
    for (const match of text.matchAll(new RegExp(whole, "giu"))) found.set(match.index, match[0]);
  }
  return [...found].sort(([a], [b]) => a - b).map(([index, piece]) => ({ text: piece, at: index }));
}

/** What can be taken along of what is shown. */
function showAnswer() {
  const answer = model.answers[model.mode];
  link(at("download"), answer?.png, answer?.name);
  link(at("recipe"), answer?.recipe, "recipe.json");
  at("download").hidden = model.mode === "compare";
  at("download").querySelector("span").textContent = model.mode === "between" ? "GIF" : "PNG";
  at("command").hidden ||= model.mode !== "generate";
  at("show-command").ariaExpanded = String(!at("command").hidden);
  at("command").firstElementChild.textContent = answer?.command ?? "Generate first: then its command stands here.";
}

function link(element, file, name) {
  if (!file) {
    element.removeAttribute("href");
    return;
  }
  element.href = urlOf(file);
  element.download = name;
}

/** error: null where there is none. */
function showFault(error) {
  at("fault").hidden = error === null;
  at("fault").textContent = error === null ? "" : `${error.message.replace(/\.$/, "")}.`;
}

function showStatus(text) {
  at("status").textContent = text;
}

function showWait({ before, seconds }) {
  if (before !== null) showStatus(before === 1 ? "1 request before this one" : `${before} requests before this one`);
  else showStatus(seconds > 2 ? `generating, about ${Math.round(seconds)} s` : "generating");
}

/** Something is under way until the function that it gives is called. */
function startProgress() {
  running += 1;
  at("progress").classList.add("busy");
  return () => {
    running -= 1;
    at("progress").classList.toggle("busy", running > 0);
    if (running === 0 && /before this|generating/.test(at("status").textContent)) showStatus("");
  };
}
