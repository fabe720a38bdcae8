// Generates beside the page, so that the page answers while it computes.
//
// In: {id, kind: "generate" | "between" | "cancel", …}; of the first two, `backend` is "auto", "wasm" or
// "webgpu". Out, by the same id: {kind: "loading", share}, {kind: "image", index, pixels, maps},
// {kind: "done", backend}, {kind: "error", message}.

import { Graphs } from "./graphs.js";

const ROOT = new URL("../", import.meta.url);
const BACKENDS = {
  webgpu: { module: "runtime/ort.webgpu.js", binary: "runtime/ort.webgpu.wasm", name: "WebGPU" },
  wasm: { module: "runtime/ort.wasm.js", binary: "runtime/ort.wasm", name: "WebAssembly" },
};
const SLOW = 250; // milliseconds an image; where WebAssembly is faster, no other runtime is worth its bytes
const TOLERANCE = 2; // of 255: how far an image may be from the one that was exported with the model

const cancelled = new Set();
const opened = new Map(); // model folder -> a promise of {graphs, backend}
const considered = new Set(); // model folders that WebGPU was tried for
let queue = Promise.resolve(); // one job at a time

self.onmessage = ({ data }) => {
  if (data.kind === "cancel") {
    cancelled.add(data.id);
    return;
  }
  queue = queue.then(() => answer(data));
};

async function answer(job) {
  const tell = (kind, rest = {}, moved = []) => self.postMessage({ id: job.id, kind, ...rest }, moved);
  try {
    const { graphs, backend } = await open(job, (share) => tell("loading", { share }));
    const texts = job.kind === "between" ? await way(graphs, job) : await readings(graphs, job);
    let fastest = Infinity;
    for (const [index, { text, image }] of texts.entries()) {
      await turn();
      if (cancelled.has(job.id)) break;
      const started = performance.now();
      const { pixels, maps } = await graphs.generate(text, job.seed, image);
      fastest = Math.min(fastest, performance.now() - started);
      tell("image", { index, pixels, maps }, [pixels.buffer]);
    }
    tell("done", { backend: BACKENDS[backend].name });
    if (backend === "wasm" && job.backend === "auto" && fastest > SLOW && fastest < Infinity) {
      considerWebGpu(job, fastest); // beside the next job
    }
  } catch (error) {
    tell("error", { message: String(error?.message ?? error) });
  }
  cancelled.delete(job.id);
}

/** Let messages in, a cancellation among them. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

async function readings(graphs, { tokens, images }) {
  const text = await graphs.read(tokens);
  return Array.from({ length: images }, (_, image) => ({ text, image }));
}

async function way(graphs, { tokens, second, steps }) {
  const ends = [await graphs.read(tokens), await graphs.read(second)];
  return Array.from({ length: steps }, (_, step) => ({
    text: graphs.between(...ends, step / (steps - 1)),
    image: 0,
  }));
}

function open(job, onShare) {
  const { folder } = job.model;
  if (!opened.has(folder)) {
    const backend = job.backend === "webgpu" ? "webgpu" : "wasm";
    const found = openWith(backend, job, onShare).then((graphs) => ({ graphs, backend }));
    found.catch(() => opened.delete(folder)); // the next job tries again
    opened.set(folder, found);
  }
  return opened.get(folder);
}

/** Go over to WebGPU for a model, where it gives the same images in less time than `milliseconds`. */
async function considerWebGpu(job, milliseconds) {
  const { model } = job;
  if (considered.has(model.folder)) return;
  considered.add(model.folder);
  try {
    if (!(await hasGraphicsCard())) return;
    const graphs = await openWith("webgpu", job, () => {});
    if (!(await agrees(graphs, model))) return; // which compiles it too, so that what follows can be timed
    const started = performance.now();
    await generateSample(graphs, model);
    if (performance.now() - started > milliseconds) return;
    opened.set(model.folder, Promise.resolve({ graphs, backend: "webgpu" }));
  } catch {
    // a driver that cannot run the model: WebAssembly goes on
  }
}

async function hasGraphicsCard() {
  if (!("Suspending" in WebAssembly) || !navigator.gpu) return false;
  const adapter = await navigator.gpu.requestAdapter();
  return adapter !== null && !adapter.info?.isFallbackAdapter;
}

const modules = new Map();

async function openWith(backend, { model, sizes }, onShare) {
  const { module, binary } = BACKENDS[backend];
  const files = [...(model.tokens === null ? [] : ["text.onnx"]), "image.onnx"];
  const paths = files.map((file) => `${model.folder}/${file}`);
  const load = downloads(modules.has(backend) ? paths : [binary, ...paths], sizes, onShare);
  if (!modules.has(backend)) {
    const ort = await import(new URL(module, ROOT));
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = 1; // more need headers that a static host does not send
    ort.env.wasm.wasmBinary = await load(binary);
    modules.set(backend, ort);
  }
  return Graphs.open(modules.get(backend), backend, model, (file) => load(`${model.folder}/${file}`));
}

/** A function that fetches one of the files; `onShare` hears which share of all has come. */
function downloads(paths, sizes, onShare) {
  const total = paths.reduce((sum, path) => sum + sizes[path], 0);
  let come = 0;
  return async (path) => {
    const response = await fetch(new URL(path, ROOT));
    if (!response.ok) throw new Error(`${path} cannot be loaded: expected status 200, got ${response.status}`);
    const parts = [];
    const reader = response.body.getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      parts.push(value);
      come += value.length;
      onShare(Math.min(1, come / total));
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  };
}

/** Whether graphs generate what the model did when it was exported. */
async function agrees(graphs, model) {
  const { pixels } = await generateSample(graphs, model);
  const response = await fetch(new URL(`${model.folder}/sample.png`, ROOT));
  const sample = await createImageBitmap(await response.blob(), { colorSpaceConversion: "none" });
  const context = new OffscreenCanvas(model.resolution, model.resolution).getContext("2d");
  context.drawImage(sample, 0, 0);
  const expected = context.getImageData(0, 0, model.resolution, model.resolution).data;
  return pixels.every((value, i) => Math.abs(value - expected[i]) <= TOLERANCE);
}

async function generateSample(graphs, { sample }) {
  return graphs.generate(await graphs.read(sample.tokens), 0, 0);
}
