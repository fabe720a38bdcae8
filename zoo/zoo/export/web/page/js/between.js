// What lies between two captions, as `Pipeline.interpolate` makes it.

/**
 * The text at `way`, 0 to 1, from one caption to another: each {sentence, words}, words null where there
 * are none. Words are {data, length, width}. So that each word meets its like by its place, both captions
 * are stretched to one length: their words stand there several times each, all equally often.
 */
export function between(first, second, way) {
  const sentence = lerp(first.sentence, second.sentence, way);
  if (first.words === null || second.words === null) return { sentence, words: null };
  const length = leastCommonMultiple(first.words.length, second.words.length);
  const data = lerp(stretched(first.words, length), stretched(second.words, length), way);
  return { sentence, words: { data, length, width: first.words.width } };
}

// From the nearer end, as torch.lerp does, so that both ends are met exactly.
function lerp(a, b, way) {
  return a.map((value, i) => (way < 0.5 ? value + way * (b[i] - value) : b[i] - (b[i] - value) * (1 - way)));
}

function stretched({ data, length, width }, longer) {
  const times = longer / length;
  const found = new Float32Array(longer * width);
  for (let row = 0; row < longer; row++) {
    const word = Math.floor(row / times);
    found.set(data.subarray(word * width, (word + 1) * width), row * width);
  }
  return found;
}

function leastCommonMultiple(a, b) {
  const divisor = (x, y) => (y === 0 ? x : divisor(y, x % y));
  return (a / divisor(a, b)) * b;
}
