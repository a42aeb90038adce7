/**
 * OpenQASM 2 and 3, as far as a unitary circuit goes: registers, the standard gates, gate definitions, `ctrl`, `inv`,
 * broadcasting. The one parser in the npm registry for both does not load as a module in Node, has a compiler among its
 * dependencies, and loses the lines; so this one is ours.
 */
import { Circuit, type Operation } from '../circuit/circuit.ts';
import { readExpression } from './expression.ts';
import { standardGates } from './standard-gates.ts';
import { refuseLine, tokenize, TokenReader, type Token } from './tokens.ts';

/** Options of {@link parseQasm}. */
export interface ParseQasmOptions {
  /** What `measure` means: left out, since a circuit has no measurements, or an error. Default `ignore`. */
  readonly measurements?: 'ignore' | 'refuse';
}

const MOST_OPERATIONS = 1_000_000; // gates in gates make 2ⁿ of n lines
const MOST_MODIFIERS = 100;

interface Definition {
  readonly angles: readonly string[];
  readonly qubits: readonly string[];
  readonly body: number;
}

const NOT_UNITARY: readonly string[] = ['if', 'else', 'for', 'while', 'reset', 'def', 'opaque', 'delay', 'box', 'switch', 'input', 'output', 'let', 'const', 'gphase', 'negctrl', 'pow']; // prettier-ignore

/**
 * Reads a circuit. Registers follow each other in the order of their declaration.
 *
 * @throws DataError `corrupt-file`, naming the line, for what is malformed or no unitary circuit.
 */
export function parseQasm(source: string, options: ParseQasmOptions = {}): Circuit {
  const { measurements = 'ignore' } = options;
  const reader = new TokenReader(tokenize(source));
  const registers = new Map<string, readonly number[]>();
  const bits = new Set<string>();
  const definitions = new Map<string, Definition>();
  const operations: Operation[] = [];
  let qubits = 0;
  let made = 0; // operations, and the gates that were opened on the way

  readVersion(reader);
  while (reader.next.kind !== 'end') statement();
  if (qubits === 0) refuseLine(reader.next.line, 'the program declares no qubits.');
  const circuit = new Circuit(qubits);
  for (const operation of operations) circuit.add(operation);
  return circuit;

  function statement(): void {
    const { text, line } = reader.next;
    if (reader.maybe('include')) {
      reader.take();
      reader.expect(';');
    } else if (text === 'qreg' || text === 'creg') {
      reader.take();
      const name = reader.name('a register');
      reader.expect('[');
      declare(name, reader.integer('a size'), text === 'qreg');
      reader.expect(']');
      reader.expect(';');
    } else if (text === 'qubit' || text === 'bit') {
      reader.take();
      const size = reader.maybe('[') ? reader.integer('a size') : undefined;
      if (size !== undefined) reader.expect(']');
      declare(reader.name('a register'), size ?? 1, text === 'qubit');
      if (reader.maybe('=')) measure(line);
      reader.expect(';');
    } else if (reader.maybe('gate')) {
      define();
    } else if (reader.maybe('barrier')) {
      while (reader.next.text !== ';' && reader.next.kind !== 'end') reader.take();
      reader.expect(';');
    } else if (text === 'measure' || bits.has(text)) {
      measure(line);
      reader.expect(';');
    } else if (NOT_UNITARY.includes(text)) {
      refuseLine(line, `'${text}' is not part of a unitary circuit, which is all that is read here.`);
    } else {
      apply(new Map(), undefined);
    }
  }

  function declare({ text, line }: Token, size: number, quantum: boolean): void {
    if (registers.has(text) || bits.has(text)) refuseLine(line, `'${text}' is declared twice.`);
    if (!quantum) bits.add(text);
    else {
      if (size < 1 || qubits + size > 30)
        refuseLine(line, `a program has 1 to 30 qubits, got ${qubits + size}.`);
      registers.set(
        text,
        Array.from({ length: size }, (_, i) => qubits + i),
      );
      qubits += size;
    }
  }

  function measure(line: number): void {
    if (measurements === 'refuse') refuseLine(line, 'a circuit has no measurements.');
    while (reader.next.text !== ';' && reader.next.kind !== 'end') reader.take();
  }

  function define(): void {
    const name = reader.name('the name of a gate').text;
    const angles: string[] = [];
    if (reader.maybe('(')) {
      while (!reader.maybe(')')) {
        angles.push(reader.name('an angle').text);
        if (reader.next.text !== ')') reader.expect(',');
      }
    }
    const formal: string[] = [];
    do formal.push(reader.name('a qubit').text);
    while (reader.maybe(','));
    const open = reader.expect('{');
    definitions.set(name, { angles, qubits: formal, body: reader.position });
    while (reader.next.text !== '}') {
      if (reader.next.kind === 'end') refuseLine(open.line, `the body of ${name} is not closed.`);
      reader.take();
    }
    reader.take();
  }

  /** One gate statement, in the program or, with `local` qubits, in a gate's body. */
  function apply(scope: ReadonlyMap<string, number>, local: ReadonlyMap<string, number> | undefined): void {
    const { line } = reader.next;
    const modifiers: ('inv' | number)[] = [];
    while (reader.next.text === 'ctrl' || reader.next.text === 'inv') {
      const which = reader.take().text;
      let count = 1;
      if (which === 'ctrl' && reader.maybe('(')) {
        count = reader.integer('a number of controls');
        reader.expect(')');
      }
      reader.expect('@');
      modifiers.push(which === 'inv' ? 'inv' : count);
      if (modifiers.length > MOST_MODIFIERS)
        refuseLine(line, `a gate has ${MOST_MODIFIERS} modifiers at most.`);
    }
    const { text: name } = reader.name('a gate');
    const angles: number[] = [];
    if (reader.maybe('(')) {
      while (!reader.maybe(')')) {
        angles.push(readExpression(reader, scope));
        if (reader.next.text !== ')') reader.expect(',');
      }
    }
    const operands: (readonly number[])[] = [];
    do operands.push(operand(local));
    while (reader.maybe(','));
    reader.expect(';');
    const length = operands.reduce((most, list) => Math.max(most, list.length), 0);
    for (const list of operands) {
      if (list.length !== 1 && list.length !== length)
        refuseLine(line, `registers of one gate must have one size, got ${list.length} and ${length}.`);
    }
    const after = reader.position;
    for (let i = 0; i < length; i++) {
      emit(name, angles, operands.map((list) => list[list.length === 1 ? 0 : i]!), modifiers, line); // prettier-ignore
    }
    reader.position = after;
  }

  function operand(local: ReadonlyMap<string, number> | undefined): readonly number[] {
    const { text, line } = reader.name('a qubit');
    if (local) {
      const qubit = local.get(text);
      return [qubit ?? refuseLine(line, `the gate has no qubit '${text}'.`)];
    }
    const register = registers.get(text) ?? refuseLine(line, `there is no quantum register '${text}'.`);
    if (!reader.maybe('[')) return register;
    const index = reader.integer('an index');
    reader.expect(']');
    return [
      register[index] ?? refuseLine(line, `${text} has qubits 0 to ${register.length - 1}, got ${index}.`),
    ];
  }

  function emit(
    name: string,
    angles: readonly number[],
    targets: readonly number[],
    modifiers: readonly ('inv' | number)[],
    line: number,
  ): void {
    count(1, line);
    // prettier-ignore
    const controls = modifiers.reduce<number>((sum, m) => sum + (m === 'inv' ? 0 : m), 0);
    if (new Set(targets).size !== targets.length)
      refuseLine(line, `the qubits of ${name} must differ, got ${targets.join(', ')}.`);
    const own = targets.slice(controls);
    let circuit = new Circuit(Math.max(1, qubits));
    const definition = definitions.get(name);
    const standard = standardGates.get(name);
    const shape = definition ?? standard ?? refuseLine(line, `there is no gate '${name}'.`);
    const [angleCount, qubitCount] = definition
      ? [definition.angles.length, definition.qubits.length]
      : [standard!.angles, standard!.qubits];
    if (angles.length !== angleCount)
      refuseLine(line, `${name} takes ${angleCount} angles, got ${angles.length}.`);
    if (own.length !== qubitCount)
      refuseLine(line, `${name} takes ${qubitCount + controls} qubits, got ${targets.length}.`);
    if (shape === definition) {
      const before = operations.length;
      const scope = new Map(definition.angles.map((angle, i) => [angle, angles[i]!]));
      const local = new Map(definition.qubits.map((qubit, i) => [qubit, own[i]!]));
      reader.position = definition.body;
      while (!reader.maybe('}')) {
        if (reader.maybe('barrier')) {
          while (reader.next.text !== ';' && reader.next.text !== '}') reader.take();
          reader.expect(';');
        } else reader.nested(() => apply(scope, local));
      }
      for (const operation of operations.splice(before)) circuit.add(operation);
      count(circuit.operations.length, line);
    } else {
      for (const operation of standard!.make(angles)) {
        const to = (qubit: number): number => own[qubit]!;
        circuit.add({ ...operation, qubits: operation.qubits.map(to), controls: operation.controls.map(to) });
      }
      // U of version 3 is U3 times e^{iθ/2}: seen once it is controlled
      if (name === 'U' && controls > 0) circuit.p(angles[0]!, own[0]!).rz(-angles[0]!, own[0]!);
    }
    let used = controls;
    for (const modifier of modifiers.toReversed()) {
      if (modifier === 'inv') circuit = circuit.inverse();
      else for (let i = 0; i < modifier; i++) circuit = circuit.controlled(targets[--used]!);
    }
    for (const operation of circuit.operations) operations.push(operation);
  }

  function count(more: number, line: number): void {
    made += more;
    if (made > MOST_OPERATIONS)
      refuseLine(
        line,
        `a program makes ${MOST_OPERATIONS} operations at most, gates in gates counted at each level.`,
      );
  }
}

function readVersion(reader: TokenReader): void {
  if (!reader.maybe('OPENQASM')) return;
  const { text, line } = reader.take();
  if (!/^[23](\.\d)?$/.test(text)) refuseLine(line, `OpenQASM 2 and 3 are read, got version ${text}.`);
  reader.expect(';');
}
