import type { Random } from '@ockham/core/random';

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

/** Numbers at which counts and sizes break. */
const EXTREMES = [0n, 1n, 7n, 255n, 65_535n, 2n ** 24n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]; // prettier-ignore
const TOKENS = ['-1', '-0', '0.5', '1e999', '-1e999', '1e308', '9007199254740993', '2147483648', '4294967296', 'NaN', 'null', 'true', '""', '"x"', '[]', '{}', '[[]]', '"__proto__"', '"constructor"', '"../../../etc/passwd"', '"toString"', '{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}'] as const; // prettier-ignore
const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '../x', ''] as const;
const TEXTS = ['\0', '\r', '"', '\\', '{', '}', '[', ']', '(', '#', '\t', ',', ':', '/*', '..', '1e999', 'inf', 'nan', '-', '\ufeff', '\u2028', '𝒳', ' '.repeat(2000), '('.repeat(3000), '['.repeat(3000), 'a'.repeat(5000), '9'.repeat(400)] as const; // prettier-ignore

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  truncate,
  splice,
  overwriteRun,
  rewriteCount,
  rewriteCount,
  rewriteToken,
  rewriteToken,
  rewriteToken,
  rewriteKey,
  duplicateProperty,
  insertText,
];

const OF_TEXT: readonly Mutation[] = [rewriteToken, rewriteToken, rewriteToken, rewriteToken, rewriteKey, duplicateProperty, insertText, flipBits]; // prettier-ignore

/** Alters a file in one to three places; `other` is what a splice takes from. */
export function mutate(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  return altered(bytes, MUTATIONS, 1 + random.integer(3), random, other);
}

/** Alters JSON in one or two places, so that most of it stays JSON. */
export function mutateJson(bytes: Uint8Array, random: Random): Uint8Array {
  return altered(bytes, OF_TEXT, 1 + random.integer(2), random, bytes);
}

function altered(
  bytes: Uint8Array,
  mutations: readonly Mutation[],
  times: number,
  random: Random,
  other: Uint8Array,
): Uint8Array {
  let result = new Uint8Array(bytes);
  for (let i = 0; i < times; i++)
    result = new Uint8Array(mutations[random.integer(mutations.length)]!(result, random, other));
  return result;
}

function flipBits(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length === 0) return bytes;
  for (let times = 1 + random.integer(4); times > 0; times--) {
    bytes[random.integer(bytes.length)]! ^= 1 << random.integer(8);
  }
  return bytes;
}

function truncate(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.subarray(0, random.integer(bytes.length + 1));
}

/** A run of one file in the place of a run of another, or of itself, of any length. */
function splice(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const from = random.uniform() < 0.5 ? bytes : other;
  const [start, at] = [random.integer(from.length + 1), random.integer(bytes.length + 1)];
  const run = from.subarray(start, start + 1 + random.integer(64));
  return joined(bytes.subarray(0, at), run, bytes.subarray(Math.min(bytes.length, at + random.integer(64))));
}

function overwriteRun(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.integer(bytes.length + 1);
  return bytes.fill([0, 255, 0x30, 0x20][random.integer(4)]!, at, at + 1 + random.integer(32));
}

/** An integer of 1, 2, 4 or 8 bytes, of either order, near the start as headers have them, or anywhere. */
function rewriteCount(bytes: Uint8Array, random: Random): Uint8Array {
  const width = [1, 2, 4, 8][random.integer(4)]!;
  if (bytes.length < width) return bytes;
  const reach = random.uniform() < 0.6 ? Math.min(64, bytes.length - width + 1) : bytes.length - width + 1;
  const at = random.integer(reach);
  const value = BigInt.asUintN(8 * width, EXTREMES[random.integer(EXTREMES.length)]!);
  const little = random.uniform() < 0.7;
  for (let i = 0; i < width; i++) {
    bytes[at + (little ? i : width - 1 - i)] = Number((value >> BigInt(8 * i)) & 255n);
  }
  return bytes;
}

/** A number or a quoted text of what looks like text, replaced by one that is out of place. */
function rewriteToken(bytes: Uint8Array, random: Random): Uint8Array {
  return rewriteMatch(bytes, random, /-?\d+(?:\.\d+)?|"[\w/.-]{0,60}"/g, (token) => {
    if (random.uniform() < 0.3 && /^-?\d/.test(token))
      return String(EXTREMES[random.integer(EXTREMES.length)]);
    return TOKENS[random.integer(TOKENS.length)]!;
  });
}

function rewriteKey(bytes: Uint8Array, random: Random): Uint8Array {
  return rewriteMatch(
    bytes,
    random,
    /"[\w/.-]{1,60}"\s?:/g,
    () => `"${KEYS[random.integer(KEYS.length)]!}":`,
  );
}

function duplicateProperty(bytes: Uint8Array, random: Random): Uint8Array {
  return rewriteMatch(bytes, random, /"[\w/.-]{1,60}"\s?:\s?(?:-?[\d.]+|"[^"]{0,60}"),?/g, (property) => `${property.replace(/,?$/, ',')}${property}`); // prettier-ignore
}

function insertText(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.integer(bytes.length + 1);
  const text = new TextEncoder().encode(TEXTS[random.integer(TEXTS.length)]);
  return joined(bytes.subarray(0, at), text, bytes.subarray(at));
}

function rewriteMatch(
  bytes: Uint8Array,
  random: Random,
  pattern: RegExp,
  replace: (match: string) => string,
): Uint8Array {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 20_000)); // one sign is one byte
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return bytes;
  const { index, 0: match } = matches[random.integer(matches.length)]!;
  const written = new TextEncoder().encode(replace(match));
  return joined(bytes.subarray(0, index), written, bytes.subarray(index + match.length));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
