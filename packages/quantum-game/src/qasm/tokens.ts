import { DataError } from '@ockham/core';

/** A word, number, text or sign of an OpenQASM program. */
export interface Token {
  readonly kind: 'name' | 'number' | 'text' | 'sign' | 'end';
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

/** @throws DataError `corrupt-file` always, naming the line. */
export function refuseLine(line: number, problem: string): never {
  throw new DataError('corrupt-file', `parseQasm: line ${line}: ${problem}`);
}

const PATTERN =
  /(?<space>\s+|\/\/[^\n]*)|(?<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)|(?<name>[A-Za-z_πτ][\w]*)|(?<text>"[^"\n]*")|(?<sign>->|\*\*|==|[-+*/^()[\]{},;:@=])/uy;

/** Splits a program into tokens. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < source.length) {
    if (source.startsWith('/*', at)) {
      const end = source.indexOf('*/', at + 2);
      if (end < 0) refuseLine(line, 'the comment is not closed.');
      line += source.slice(at, end).split('\n').length - 1;
      at = end + 2;
      continue;
    }
    PATTERN.lastIndex = at;
    const match = PATTERN.exec(source);
    if (match === null) refuseLine(line, `unexpected character '${source[at]}'.`);
    const { space, number, name, text, sign } = match.groups as Record<string, string | undefined>;
    if (number !== undefined) tokens.push({ kind: 'number', text: number, line });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name, line });
    else if (text !== undefined) tokens.push({ kind: 'text', text: text.slice(1, -1), line });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, line });
    else line += space!.split('\n').length - 1;
    at = PATTERN.lastIndex;
  }
  tokens.push({ kind: 'end', text: 'the end', line });
  return tokens;
}

const MOST_LEVELS = 100; // of gates in gates and of parentheses, each some calls deep

/** Tokens read one after another. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get next(): Token {
    return this.#tokens[this.#at]!;
  }

  take(): Token {
    const token = this.next;
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  /** Takes the next token if it reads `text`. */
  maybe(text: string): boolean {
    if (this.next.text !== text || this.next.kind === 'text') return false;
    this.#at++;
    return true;
  }

  expect(text: string): Token {
    if (this.next.text === text) return this.take();
    // a forgotten sign belongs to the line before
    const before = this.#tokens[this.#at - 1];
    return refuseLine(before?.line ?? this.next.line, `expected '${text}', got '${this.next.text}'.`);
  }

  name(what: string): Token {
    if (this.next.kind !== 'name') refuseLine(this.next.line, `expected ${what}, got '${this.next.text}'.`);
    return this.take();
  }

  integer(what: string): number {
    const token = this.take();
    if (token.kind !== 'number' || !/^\d+$/.test(token.text)) {
      refuseLine(token.line, `expected ${what}, a whole number, got '${token.text}'.`);
    }
    return Number(token.text);
  }

  /** Reads a part that may hold the like of itself. @throws DataError where that goes too deep. */
  nested<T>(read: () => T): T {
    if (++this.#depth > MOST_LEVELS) refuseLine(this.next.line, `nested deeper than ${MOST_LEVELS} levels.`);
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  /** Where reading stands, and back to it: a gate's body is read at each use. */
  get position(): number {
    return this.#at;
  }
  set position(at: number) {
    this.#at = at;
  }
}
