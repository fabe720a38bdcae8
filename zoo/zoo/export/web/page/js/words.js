// Which words lead, and what may stand in a word's place.

const QUIET = new Set(
  ("a an and are at be by for from has have her his in is it its of on or that the their these this to " +
    "which who with").split(" "),
);
/** Words that may stand in each other's place. */
export const KINDS = [
  ["red", "orange", "yellow", "green", "blue", "purple", "violet", "pink", "brown", "black", "gray", "white"],
  ["small", "large", "big", "tiny", "little"],
  ["short", "long"],
  ["thin", "thick", "narrow", "wide"],
  ["round", "pointed", "square"],
  ["man", "woman", "lady", "guy", "girl", "boy"],
  ["happy", "sad", "surprised", "angry"],
  ["old", "young"],
];

/** Whether a word says little by itself. */
export const isQuiet = (word) => QUIET.has(word.toLowerCase());

/** Words of the same kind that a model knows. */
export function proposals(word, tokenizer) {
  const expected = word.toLowerCase();
  const kind = KINDS.find((words) => words.includes(expected)) ?? [];
  return kind.filter((other) => other !== expected && tokenizer.knows(other));
}
