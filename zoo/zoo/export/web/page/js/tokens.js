// Captions to ids, as zoo/export/onnx_pipeline.py makes them.

const WORD = /[\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\u200c\u200d]+/gu;

/** A caption that a model cannot read. */
export class CaptionError extends Error {}

/** Runs of letters, marks, digits and connectors: [{word, at}], `at` their place in the text. */
export function wordsOf(text) {
  return [...text.matchAll(WORD)].map((match) => ({ word: match[0], at: match.index }));
}

/**
 * The caption with another word in a word's place, wherever it stands, in any letter case, as parts:
 * [{text, swapped}]. other: null for the word as it stands there.
 */
export function swappedParts(caption, word, other = null) {
  const expected = word.toLowerCase();
  const parts = [];
  let done = 0;
  for (const { word: found, at } of wordsOf(caption)) {
    if (found.toLowerCase() !== expected) continue;
    parts.push({ text: caption.slice(done, at), swapped: false }, { text: other ?? found, swapped: true });
    done = at + found.length;
  }
  return [...parts, { text: caption.slice(done), swapped: false }];
}

/** How a model reads captions. rule: `tokens` of its description; null where it reads no text. */
export class Tokenizer {
  #rule;
  #index;

  constructor(rule) {
    this.#rule = rule;
    const entries = rule?.scheme === "words" ? rule.words : (rule?.symbols ?? []);
    this.#index = new Map(Array.from(entries, (entry, place) => [entry, place]));
  }

  get readsText() {
    return this.#rule !== null;
  }

  get readsWords() {
    return this.#rule?.scheme === "words";
  }

  /** Whether all of a word reaches the image. */
  knows(word) {
    return this.#entries(word).every(({ entry }) => this.#index.has(entry));
  }

  /** The pieces of a caption that do not reach the image: [{text, at}]. */
  unknown(caption) {
    if (!this.readsText) return [];
    return this.#entries(caption)
      .filter(({ entry }) => !this.#index.has(entry))
      .map(({ text, at }) => ({ text, at }));
  }

  /** The words of a caption: [{word, at, row}], `row` its place among the ids, null where it has none. */
  words(caption) {
    let row = 0;
    return wordsOf(caption).map(({ word, at }) => {
      const read = this.readsWords && this.knows(word) && row < this.#rule.max_words;
      return { word, at, row: read ? row++ : null };
    });
  }

  /** A caption as {ids, mask}, arrays of equal length; null where the model reads no text. */
  tokenize(caption) {
    if (!this.readsText) return null;
    const ids = this.readsWords ? this.#wordIds(caption) : this.#characterIds(caption);
    if (ids.every((id) => !this.readsWords && id === this.#rule.padding)) {
      throw new CaptionError(`no word of the caption “${caption}” is known to this model`);
    }
    return { ids, mask: ids.map((id) => this.readsWords || id !== this.#rule.padding) };
  }

  #wordIds(caption) {
    const known = this.#entries(caption).filter(({ entry }) => this.#index.has(entry));
    return known.slice(0, this.#rule.max_words).map(({ entry }) => this.#index.get(entry));
  }

  #characterIds(caption) {
    const { length, padding } = this.#rule;
    const read = [...caption.toLowerCase()].slice(0, length);
    const ids = read.map((symbol) => this.#index.get(symbol) ?? padding);
    return [...ids, ...Array(length - ids.length).fill(padding)];
  }

  /** What of a text is looked up, and where it stands: [{entry, text, at}]. */
  #entries(text) {
    if (this.readsWords) {
      return wordsOf(text).map(({ word, at }) => ({ entry: word.toLowerCase(), text: word, at }));
    }
    let at = 0;
    return [...text].flatMap((symbol) => {
      const place = at;
      at += symbol.length;
      return [...symbol.toLowerCase()].map((entry) => ({ entry, text: symbol, at: place }));
    });
  }
}
