// The noise of a seed: what torch.randn gives, by numpy's SeedSequence and a Mersenne twister.
// The same as `torch_normal` of zoo/export/onnx_pipeline.py; read it beside this.

const TWO_24 = 2 ** 24;
const TWO_32 = 2 ** 32;
const TWO_53 = 2 ** 53;

/** Image `image` of a seed: a row of standard normal numbers for each width. */
export function torchNormal(seed, image, widths) {
  const twister = new MersenneTwister(twisterSeed(seed, image));
  const left = []; // short rows are made in pairs; one number may be left for the next row
  return widths.map((width) => {
    const row = width >= 16 ? longRow(twister, width) : shortRow(twister, width, left);
    return Float32Array.from(row);
  });
}

function longRow(twister, count) {
  const filled = blocks(twister, count);
  // the end is made anew, as a whole block
  return count % 16 === 0 ? filled : [...filled.slice(0, count - 16), ...blocks(twister, 16)];
}

/** Blocks of 16: eight radii and eight angles, of 24 bits each. */
function blocks(twister, count) {
  const uniform = Array.from({ length: count }, () => (twister.next() % TWO_24) / TWO_24);
  const filled = [];
  for (let at = 0; at + 16 <= count; at += 16) {
    const pairs = Array.from({ length: 8 }, (_, i) => boxMuller(uniform[at + i], uniform[at + 8 + i]));
    filled.push(...pairs.map(([cosine]) => cosine), ...pairs.map(([, sine]) => sine));
  }
  return filled;
}

function shortRow(twister, count, left) {
  while (left.length < count) {
    const angle = uniform53(twister);
    left.push(...boxMuller(uniform53(twister), angle));
  }
  return left.splice(0, count);
}

function uniform53(twister) {
  const high = twister.next() % 2 ** 21;
  return (high * TWO_32 + twister.next()) / TWO_53;
}

function boxMuller(radius, angle) {
  const length = Math.sqrt(-2 * Math.log1p(-radius));
  const turn = 2 * Math.PI * angle;
  return [length * Math.cos(turn), length * Math.sin(turn)];
}

/** The lower 32 bits of SeedSequence([seed, image]).generate_state(1, uint64) >> 1. */
function twisterSeed(seed, image) {
  const [low, high] = generateState(mixedPool([...words(seed), ...words(image)]));
  return ((low >>> 1) | ((high & 1) << 31)) >>> 0;
}

/** A whole number as words of 32 bits, the lowest first. */
function words(number) {
  const found = [number % TWO_32];
  for (let rest = Math.floor(number / TWO_32); rest > 0; rest = Math.floor(rest / TWO_32)) {
    found.push(rest % TWO_32);
  }
  return found;
}

/** numpy's SeedSequence: entropy mixed into a pool of four words. */
function mixedPool(entropy) {
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = [0, 1, 2, 3].map((i) => hash(entropy[i] ?? 0));
  for (let source = 0; source < 4; source++) {
    for (let target = 0; target < 4; target++) {
      if (source !== target) pool[target] = mix(pool[target], hash(pool[source]));
    }
  }
  for (const word of entropy.slice(4)) {
    for (let target = 0; target < 4; target++) pool[target] = mix(pool[target], hash(word));
  }
  return pool;
}

function generateState(pool) {
  const hash = hasher(0x8b51f9dd, 0x58f38ded);
  return [hash(pool[0]), hash(pool[1])];
}

function hasher(start, factor) {
  let constant = start;
  return (word) => {
    const mixed = word ^ constant;
    constant = Math.imul(constant, factor);
    const value = Math.imul(mixed, constant);
    return (value ^ (value >>> 16)) >>> 0;
  };
}

function mix(x, y) {
  const value = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
  return (value ^ (value >>> 16)) >>> 0;
}

/** MT19937. */
class MersenneTwister {
  #state = new Uint32Array(624);
  #at = 624;

  constructor(seed) {
    this.#state[0] = seed;
    for (let i = 1; i < 624; i++) {
      const before = this.#state[i - 1];
      this.#state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
    }
  }

  /** The next 32 bits, as a number that is not negative. */
  next() {
    if (this.#at === 624) this.#twist();
    let bits = this.#state[this.#at++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  }

  #twist() {
    const state = this.#state;
    for (let i = 0; i < 624; i++) {
      const bits = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
      state[i] = state[(i + 397) % 624] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
    }
    this.#at = 0;
  }
}
