// A model's two graphs in onnxruntime-web. Runs in the worker.

import { between } from "./between.js";
import { torchNormal } from "./noise.js";

export class Graphs {
  #ort;
  #description;
  #text;
  #image;

  /** description: the model's model.json. load: file name -> its bytes. */
  static async open(ort, provider, description, load) {
    // errors alone: the console shows warnings as errors
    const options = { executionProviders: [provider], logSeverityLevel: 3 };
    const open = async (file) => ort.InferenceSession.create(await load(file), options);
    const graphs = new Graphs();
    graphs.#ort = ort;
    graphs.#description = description;
    graphs.#text = description.tokens === null ? null : await open("text.onnx");
    graphs.#image = await open("image.onnx");
    return graphs;
  }

  /** What is read of tokens {ids, mask}: {sentence, words}; null where the model reads no text. */
  async read(tokens) {
    if (tokens === null) return null;
    const { ids, mask } = tokens;
    const found = await this.#text.run({
      ids: this.#tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]),
      mask: this.#tensor("bool", Uint8Array.from(mask), [1, mask.length]),
    });
    const words = found.words ? this.#real(found.words, mask) : null;
    return { sentence: found.sentence.data, words };
  }

  /** What lies between two read captions, at `way` from 0 to 1. */
  between(first, second, way) {
    return between(first, second, way);
  }

  /** Image `image` of a seed: {pixels, maps}; pixels RGBA, a map {data, words, height, width} a stage. */
  async generate(text, seed, image) {
    const { noise_width, code_width, attention, resolution } = this.#description;
    const [noise, code_noise] = torchNormal(seed, image, [noise_width, code_width]);
    const given = { noise: this.#row(noise), code_noise: this.#row(code_noise), ...this.#given(text) };
    const expected = Object.fromEntries(this.#image.inputNames.map((name) => [name, given[name]]));
    const found = await this.#image.run(expected);
    const maps = attention.map((name) => {
      const [, words, height, width] = found[name].dims;
      return { data: found[name].data, words, height, width };
    });
    return { pixels: toPixels(found.image.data, resolution), maps };
  }

  #given(text) {
    if (text === null) return {};
    const { sentence, words } = text;
    if (words === null) return { sentence: this.#row(sentence) };
    return {
      sentence: this.#row(sentence),
      words: this.#tensor("float32", words.data, [1, words.length, words.width]),
      mask: this.#tensor("bool", new Uint8Array(words.length).fill(1), [1, words.length]),
    };
  }

  /** The words that are no padding. */
  #real(words, mask) {
    const width = words.dims[2];
    const kept = mask.flatMap((real, row) => (real ? [...words.data.subarray(row * width, (row + 1) * width)] : []));
    return { data: Float32Array.from(kept), length: kept.length / width, width };
  }

  #row(data) {
    return this.#tensor("float32", data, [1, data.length]);
  }

  #tensor(type, data, dims) {
    return new this.#ort.Tensor(type, data, dims);
  }
}

/** Planes in [-1, 1] as RGBA. A clamped array rounds halves to even, as numpy and torch do. */
function toPixels(planes, resolution) {
  const count = resolution * resolution;
  const pixels = new Uint8ClampedArray(4 * count);
  for (let i = 0; i < count; i++) {
    for (let channel = 0; channel < 3; channel++) {
      pixels[4 * i + channel] = Math.fround(Math.fround(planes[channel * count + i] + 1) * 127.5);
    }
    pixels[4 * i + 3] = 255;
  }
  return pixels;
}
