import { refuseLine, type TokenReader } from './tokens.ts';

const FUNCTIONS: ReadonlyMap<string, (x: number) => number> = new Map([
  ['sin', Math.sin],
  ['cos', Math.cos],
  ['tan', Math.tan],
  ['arcsin', Math.asin],
  ['arccos', Math.acos],
  ['arctan', Math.atan],
  ['exp', Math.exp],
  ['ln', Math.log],
  ['log', Math.log],
  ['sqrt', Math.sqrt],
]);
const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['π', Math.PI],
  ['tau', 2 * Math.PI],
  ['τ', 2 * Math.PI],
  ['euler', Math.E],
]);

/** Reads an expression of numbers, π and the names in `scope`, and returns its value. */
export function readExpression(reader: TokenReader, scope: ReadonlyMap<string, number>): number {
  const { line } = reader.next;
  const value = sum(reader, scope);
  if (!Number.isFinite(value)) refuseLine(line, `an angle must be finite, got ${value}.`);
  return value;
}

function sum(reader: TokenReader, scope: ReadonlyMap<string, number>): number {
  let value = product(reader, scope);
  for (;;) {
    if (reader.maybe('+')) value += product(reader, scope);
    else if (reader.maybe('-')) value -= product(reader, scope);
    else return value;
  }
}

function product(reader: TokenReader, scope: ReadonlyMap<string, number>): number {
  let value = signed(reader, scope);
  for (;;) {
    if (reader.maybe('*')) value *= signed(reader, scope);
    else if (reader.maybe('/')) value /= signed(reader, scope);
    else return value;
  }
}

function signed(reader: TokenReader, scope: ReadonlyMap<string, number>): number {
  if (reader.maybe('-')) return -reader.nested(() => signed(reader, scope));
  if (reader.maybe('+')) return reader.nested(() => signed(reader, scope));
  const base = atom(reader, scope);
  return reader.maybe('^') || reader.maybe('**') ? base ** reader.nested(() => signed(reader, scope)) : base;
}

function atom(reader: TokenReader, scope: ReadonlyMap<string, number>): number {
  const token = reader.take();
  if (token.kind === 'number') return Number(token.text);
  if (token.text === '(') {
    const value = reader.nested(() => sum(reader, scope));
    reader.expect(')');
    return value;
  }
  const call = FUNCTIONS.get(token.text);
  if (call && reader.maybe('(')) {
    const value = reader.nested(() => sum(reader, scope));
    reader.expect(')');
    return call(value);
  }
  const value = scope.get(token.text) ?? CONSTANTS.get(token.text);
  return value ?? refuseLine(token.line, `expected a number or a name with a value, got '${token.text}'.`);
}
