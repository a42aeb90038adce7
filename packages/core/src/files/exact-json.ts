import { ArgumentError } from '../errors.ts';
import { checkJson, MOST_LEVELS } from './parse-json.ts';

const TAG = '$number';
const DEEPEST = MOST_LEVELS - 2; // leaves a level for a number's tag, and one for what the text is put into

/**
 * JSON that gives every number back to the bit, NaN, the infinities and -0 included, and refuses what JSON
 * would silently change (typed arrays, dates, functions, big integers, undefined in a list) or {@link fromExactJson}
 * would not read (a key `__proto__`, nesting deeper than 198 levels). A property that is undefined is left out, as in JSON.
 *
 * @throws ArgumentError naming `who` and the path of the value that cannot be written.
 */
export function toExactJson(value: unknown, who: string): string {
  return JSON.stringify(encode(value, who, 'meta', new Set()));
}

/** Reads what {@link toExactJson} wrote. @throws DataError or SyntaxError where the text is no sound JSON. */
export function fromExactJson(text: string, who: string): unknown {
  checkJson(text, who);
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'object' && value !== null && TAG in value ? Number(value[TAG]) : value,
  );
}

function encode(value: unknown, who: string, path: string, parents: Set<object>): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    const plain = Number.isFinite(value) && !Object.is(value, -0);
    return plain ? value : { [TAG]: Object.is(value, -0) ? '-0' : `${value}` };
  }
  if (typeof value !== 'object') throw refusal(who, path, typeof value);
  if (parents.has(value)) throw refusal(who, path, 'a reference to one of its parents');
  if (parents.size >= DEEPEST)
    throw refusal(who, path.slice(0, 100), `nesting deeper than ${DEEPEST} levels`);
  const inner = new Set(parents).add(value);
  if (Array.isArray(value)) {
    return Array.from(value, (item, i) => encode(item, who, `${path}[${i}]`, inner));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw refusal(who, path, value.constructor.name);
  }
  for (const key of [TAG, '__proto__']) {
    if (Object.hasOwn(value, key)) throw refusal(who, path, `the reserved key ${key}`);
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, encode(item, who, `${path}.${key}`, inner)]));
}

function refusal(who: string, path: string, got: string): ArgumentError {
  return new ArgumentError(
    `${who}: ${path} must be plain data (numbers, texts, booleans, null, lists, objects), got ${got}. ` +
      `Put typed arrays among the arrays.`,
  );
}
