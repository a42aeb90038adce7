import { DataError } from '../errors.ts';

/** How deep objects and lists may be nested. */
export const MOST_LEVELS = 200; // a model in a model takes five

/**
 * Reads JSON that others wrote. What `JSON.parse` would take in silence is refused: the same key twice in an object, of
 * which readers take different ones; the key `__proto__`; a number too large for a double; nesting so deep that
 * walking through it would overflow the stack.
 *
 * @param who Names the file in errors.
 * @throws DataError `corrupt-file` for text that is no JSON, or for one of the above.
 */
export function parseJson(text: string, who: string): unknown {
  checkJson(text, who);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refusal(who, `no JSON (${(cause as Error).message.slice(0, 200)})`, cause);
  }
}

/** The checks of {@link parseJson} without the parsing, one pass over the text, which need not be JSON. */
export function checkJson(text: string, who: string): void {
  const keys: Set<string>[] = []; // of the objects and lists that are open here
  for (let at = 0; at < text.length; at++) {
    const sign = text.charCodeAt(at);
    if (sign === QUOTE) {
      const end = endOfText(text, at);
      if (isKey(text, end)) addKey(keys.at(-1), text.slice(at, end), who);
      at = end - 1;
    } else if (sign === BRACE || sign === BRACKET) {
      if (keys.push(new Set()) > MOST_LEVELS) throw refusal(who, `nested deeper than ${MOST_LEVELS} levels`);
    } else if (sign === BRACE + 2 || sign === BRACKET + 2) keys.pop();
    else if (sign >= 0x30 && sign <= 0x39) at = endOfNumber(text, at, who) - 1;
  }
}

const [QUOTE, BACKSLASH, COLON, BRACKET, BRACE] = [0x22, 0x5c, 0x3a, 0x5b, 0x7b] as const; // closing ones are 2 further

function endOfText(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const sign = text.charCodeAt(at);
    if (sign === BACKSLASH) at++;
    else if (sign === QUOTE) return at + 1;
  }
  return text.length;
}

function isKey(text: string, after: number): boolean {
  let at = after;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === COLON;
}

function addKey(keys: Set<string> | undefined, quoted: string, who: string): void {
  let key: string;
  try {
    key = JSON.parse(quoted) as string; // undoes escapes, which could hide a key
  } catch {
    return; // no JSON: the parser says so
  }
  if (key === '__proto__') throw refusal(who, 'an object with the key __proto__');
  if (keys?.has(key)) throw refusal(who, `an object with the key ${JSON.stringify(key.slice(0, 100))} twice`);
  keys?.add(key);
}

function endOfNumber(text: string, from: number, who: string): number {
  let at = from;
  while (at < text.length && '0123456789.eE+-'.includes(text[at]!)) at++;
  const digits = text.slice(from, at);
  if (Number(digits) === Infinity) throw refusal(who, `the number ${digits.slice(0, 30)}, too large`);
  return at;
}

function refusal(who: string, what: string, cause?: unknown): DataError {
  return new DataError(
    'corrupt-file',
    `${who}: must be sound JSON, got ${what}. Take a fresh copy from a source that you trust.`,
    { cause },
  );
}
