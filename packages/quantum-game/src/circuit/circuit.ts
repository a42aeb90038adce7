import { ArgumentError } from '@ockham/core';
import { checkAngle, negated, type Angle } from './angle.ts';
import { gateShapes, inverseName, type GateName } from './gates.ts';

/** One gate of a circuit. */
export interface Operation {
  /** The gate's name. */
  readonly gate: GateName;
  /** What the gate acts on. */
  readonly qubits: readonly number[];
  /** Qubits that must all be 1 for the gate to act; most often none or one. */
  readonly controls: readonly number[];
  /** In radians, or parameters of the circuit; as many as the gate takes. */
  readonly angles: readonly Angle[];
  /** For `pauli`: one of X, Y, Z for each of `qubits`. */
  readonly pauli?: string;
}

/**
 * A list of gates on `qubits` qubits. Qubit 0 is the least significant bit of a basis state's index. Each method adds
 * a gate and returns the circuit.
 *
 * @example
 * const bell = new Circuit(2).h(0).cx(0, 1);
 */
export class Circuit {
  /** Number of qubits. */
  readonly qubits: number;
  readonly #operations: Operation[] = [];
  #parameters = 0;

  /** @param qubits From 1 to 30. */
  constructor(qubits: number) {
    if (!(Number.isSafeInteger(qubits) && qubits >= 1 && qubits <= 30)) {
      throw new ArgumentError(`Circuit: qubits must be a whole number from 1 to 30, got ${qubits}.`);
    }
    this.qubits = qubits;
  }

  /** The gates, in the order in which they act. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** Length of the parameter vector: one more than the largest index that an angle refers to. */
  get parameters(): number {
    return this.#parameters;
  }

  /** Adds an operation as it is. */
  add(operation: Operation): this {
    this.#check(operation);
    this.#operations.push(operation);
    for (const angle of operation.angles) {
      if (typeof angle !== 'number') this.#parameters = Math.max(this.#parameters, angle.parameter + 1);
    }
    return this;
  }

  /** Hadamard gate. */
  h(qubit: number): this {
    return this.#one('h', qubit);
  }
  /** Pauli X: flips the qubit. */
  x(qubit: number): this {
    return this.#one('x', qubit);
  }
  /** Pauli Y. */
  y(qubit: number): this {
    return this.#one('y', qubit);
  }
  /** Pauli Z: changes the sign of 1. */
  z(qubit: number): this {
    return this.#one('z', qubit);
  }
  /** S, the root of Z: multiplies 1 by i. */
  s(qubit: number): this {
    return this.#one('s', qubit);
  }
  /** S†: multiplies 1 by −i. */
  sdg(qubit: number): this {
    return this.#one('sdg', qubit);
  }
  /** T, the root of S: multiplies 1 by exp(iπ/4). */
  t(qubit: number): this {
    return this.#one('t', qubit);
  }
  /** T†: multiplies 1 by exp(−iπ/4). */
  tdg(qubit: number): this {
    return this.#one('tdg', qubit);
  }
  /** exp(−iθX/2). */
  rx(theta: Angle, qubit: number): this {
    return this.#one('rx', qubit, [theta]);
  }
  /** exp(−iθY/2). */
  ry(theta: Angle, qubit: number): this {
    return this.#one('ry', qubit, [theta]);
  }
  /** exp(−iθZ/2). */
  rz(theta: Angle, qubit: number): this {
    return this.#one('rz', qubit, [theta]);
  }
  /** diag(1, e^{iλ}). */
  p(lambda: Angle, qubit: number): this {
    return this.#one('p', qubit, [lambda]);
  }
  /** P(φ) RY(θ) P(λ): `[[cos θ/2, −e^{iλ} sin θ/2], [e^{iφ} sin θ/2, e^{i(φ+λ)} cos θ/2]]`. */
  u3(theta: Angle, phi: Angle, lambda: Angle, qubit: number): this {
    return this.#one('u3', qubit, [theta, phi, lambda]);
  }
  /** X on `target` where `control` is 1. */
  cx(control: number, target: number): this {
    return this.#one('x', target, [], [control]);
  }
  /** Z on `target` where `control` is 1; the two are interchangeable. */
  cz(control: number, target: number): this {
    return this.#one('z', target, [], [control]);
  }
  /** Exchanges two qubits. */
  swap(a: number, b: number): this {
    return this.add({ gate: 'swap', qubits: [a, b], controls: [], angles: [] });
  }
  /** Exchanges `a` and `b` where `control` is 1. */
  cswap(control: number, a: number, b: number): this {
    return this.add({ gate: 'swap', qubits: [a, b], controls: [control], angles: [] });
  }
  /** {@link u3} on `target` where `control` is 1. */
  cu(theta: Angle, phi: Angle, lambda: Angle, control: number, target: number): this {
    return this.#one('u3', target, [theta, phi, lambda], [control]);
  }
  /** exp(−iθ/2 P), where `pauli[i]` acts on `qubits[i]`. */
  pauliRotation(pauli: string, theta: Angle, qubits: readonly number[]): this {
    return this.add({ gate: 'pauli', pauli, qubits: [...qubits], controls: [], angles: [theta] });
  }

  /** Adds the gates of another circuit; `map[q]` is where its qubit q goes, by default to q. */
  append(other: Circuit, map?: readonly number[]): this {
    const to = (qubit: number): number => (map ? map[qubit]! : qubit);
    for (const operation of other.operations) {
      this.add({ ...operation, qubits: operation.qubits.map(to), controls: operation.controls.map(to) });
    }
    return this;
  }

  /** This circuit with a further control on every gate, so that it acts as a whole where `control` is 1. */
  controlled(control: number): Circuit {
    const made = new Circuit(Math.max(this.qubits, control + 1));
    for (const operation of this.#operations)
      made.add({ ...operation, controls: [control, ...operation.controls] });
    return made;
  }

  /** The inverse circuit. */
  inverse(): Circuit {
    const made = new Circuit(this.qubits);
    for (const operation of this.#operations.toReversed()) made.add(inverted(operation));
    return made;
  }

  /** A copy with numbers in place of the parameters. */
  bind(parameters: ArrayLike<number>): Circuit {
    checkParameters('Circuit.bind', this, parameters);
    const made = new Circuit(this.qubits);
    for (const operation of this.#operations) {
      const angles = operation.angles.map((angle) =>
        typeof angle === 'number'
          ? angle
          : (angle.scale ?? 1) * parameters[angle.parameter]! + (angle.offset ?? 0),
      );
      made.add({ ...operation, angles });
    }
    return made;
  }

  #one(gate: GateName, qubit: number, angles: readonly Angle[] = [], controls: readonly number[] = []): this {
    return this.add({ gate, qubits: [qubit], controls, angles });
  }

  #check({ gate, qubits, controls, angles, pauli }: Operation): void {
    const who = `Circuit.${gate}`;
    const shape = gateShapes[gate];
    if (!shape)
      throw new ArgumentError(
        `Circuit.add: gate must be one of ${Object.keys(gateShapes).join(', ')}, got ${gate}.`,
      );
    const all = [...controls, ...qubits];
    for (const qubit of all) {
      if (!(Number.isSafeInteger(qubit) && qubit >= 0 && qubit < this.qubits)) {
        throw new ArgumentError(
          `${who}: a qubit must be a whole number in [0, ${this.qubits - 1}], got ${qubit}.`,
        );
      }
    }
    if (new Set(all).size !== all.length) {
      throw new ArgumentError(`${who}: the qubits of a gate must differ, got ${all.join(', ')}.`);
    }
    if (shape.qubits === 0 ? qubits.length === 0 : qubits.length !== shape.qubits) {
      throw new ArgumentError(`${who}: needs ${shape.qubits || 'at least 1'} qubits, got ${qubits.length}.`);
    }
    if (angles.length !== shape.angles) {
      throw new ArgumentError(`${who}: needs ${shape.angles} angles, got ${angles.length}.`);
    }
    for (const angle of angles) checkAngle(who, angle);
    if (gate === 'pauli' && !(pauli?.length === qubits.length && /^[XYZ]+$/.test(pauli))) {
      throw new ArgumentError(
        `${who}: the Pauli string must have one of X, Y, Z for each of ${qubits.length} qubits, got ${pauli}.`,
      );
    }
  }
}

function inverted(operation: Operation): Operation {
  const { gate, angles } = operation;
  if (gate === 'u3') {
    const [theta, phi, lambda] = angles as [Angle, Angle, Angle];
    return { ...operation, angles: [negated(theta), negated(lambda), negated(phi)] };
  }
  return { ...operation, gate: inverseName[gate] ?? gate, angles: angles.map(negated) };
}

/** @throws ArgumentError where the vector's length differs from the circuit's count, or a value is not finite. */
export function checkParameters(who: string, circuit: Circuit, parameters: ArrayLike<number>): void {
  if (parameters.length !== circuit.parameters) {
    throw new ArgumentError(
      `${who}: the circuit has ${circuit.parameters} parameters, got ${parameters.length}.`,
    );
  }
  for (let i = 0; i < parameters.length; i++) {
    if (!Number.isFinite(parameters[i])) {
      throw new ArgumentError(`${who}: every parameter must be finite, got ${parameters[i]} at ${i}.`);
    }
  }
}
