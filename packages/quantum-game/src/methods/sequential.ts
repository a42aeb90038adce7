/**
 * Levels one after another: each minimises the energy plus projectors made from the levels below. What the projectors
 * are is all that tells VQD from QuantumGame.
 */
import { ArgumentError, throwIfAborted, type Progress } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import type { Circuit } from '../circuit/circuit.ts';
import { checkHermitian, type PauliSum } from '../hamiltonian/pauli-sum.ts';
import { differencedObjective } from '../gradients/finite-differences.ts';
import { lbfgs } from '../optimizers/lbfgs.ts';
import { minimize, type Minimum, type Objective, type Optimizer } from '../optimizers/optimizer.ts';
import { Simulator, type Projector } from '../simulator/simulator.ts';
import { certify, type Certificate, type CertifyOptions } from './certificate.ts';
import { LedgerBook, type Ledger } from './ledger.ts';
import { levelOf, type Level } from './level.ts';

/** Options that every variational method takes. */
export interface MethodOptions extends CertifyOptions {
  /** Required: starting points are drawn from it. */
  readonly seed: Seed;
  /** Default {@link lbfgs}. */
  readonly optimizer?: Optimizer;
  /** Default `adjoint`; `finite-differences` counts each as value calls, as the paper does. */
  readonly gradient?: 'adjoint' | 'finite-differences';
  /** Starting points, one for each level. Default: uniform in [−π, π). */
  readonly starts?: readonly ArrayLike<number>[];
  /** Most restarts over all levels, each asked for by the certificate. Default 3. */
  readonly restarts?: number;
  /** Calls of the objective for one level. Default 10,000. */
  readonly maxCalls?: number;
  /** Called after each iteration with the level, its value and the calls so far of this level. */
  readonly trace?: (entry: {
    readonly level: number;
    readonly calls: number;
    readonly value: number;
  }) => void;
  readonly progress?: Progress;
  readonly signal?: AbortSignal | undefined;
}

/** What a method found. */
export interface ExcitedStates {
  /** By energy. */
  readonly levels: readonly Level[];
  readonly certificate: Certificate;
  /** Restarts that the certificate asked for. */
  readonly restarts: number;
  readonly ledger: Ledger;
}

/** How one method turns the levels below into projectors. */
export interface SequentialRule {
  readonly who: string;
  /** The projector of a finished level. */
  project(level: Level): Projector;
  /** Circuits to measure one value, with `below` levels found. */
  circuits(below: number): number;
}

/** Runs the levels one after another. */
export function runSequential(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  rule: SequentialRule,
  options: MethodOptions,
): ExcitedStates {
  const { who } = rule;
  const { restarts: most = 3, optimizer = lbfgs(), maxCalls = 10_000, trace, progress, signal } = options;
  checkMethod(who, hamiltonian, ansatz, count, options);
  const random = toRandom(options.seed);
  const simulator = new Simulator(ansatz);
  const book = new LedgerBook();
  const levels: Level[] = [];
  let restarts = 0;
  let attempt = 0;
  while (levels.length < count) {
    throwIfAborted(signal, who);
    const i = levels.length;
    progress?.({ stage: who, done: i, total: count });
    const projectors = levels.map((level) => rule.project(level));
    const start =
      attempt === 0 && options.starts ? options.starts[i]! : randomStart(random, i, attempt, ansatz);
    const minimum = minimize(objectiveOf(simulator, hamiltonian, projectors, options), start, optimizer, {
      maxCalls,
      signal,
      ...(trace && { callback: ({ calls, value }) => trace({ level: i, calls, value }) }),
    });
    book.addCalls(callsOf(minimum), ansatz, rule.circuits(i));
    levels.push(levelOf(hamiltonian, minimum.x, simulator.run(minimum.x).slice()));
    const alarm = certify(levels, options).alarms.find(({ kind }) => kind !== 'degenerate');
    if (alarm && restarts < most) {
      restarts++;
      attempt++;
      levels.length = Math.min(alarm.level, i);
      continue;
    }
    attempt = 0;
  }
  const certificate = certify(levels, options);
  progress?.({ stage: who, done: count, total: count });
  return {
    levels: levels.toSorted((a, b) => a.energy - b.energy),
    certificate,
    restarts,
    ledger: book.ledger,
  };
}

/** An objective over the ansatz's parameters: ⟨H⟩ with projectors. */
export function objectiveOf(
  simulator: Simulator,
  hamiltonian: PauliSum,
  projectors: readonly Projector[],
  options: Pick<MethodOptions, 'gradient'> = {},
  onCall?: (value: number) => void,
): Objective {
  const size = simulator.circuit.parameters;
  const value = (x: Float64Array): number =>
    simulator.evaluate(x, hamiltonian, undefined, { projectors }).value;
  const gradient = (x: Float64Array, into: Float64Array): number =>
    simulator.evaluate(x, hamiltonian, into, { projectors }).value;
  if (options.gradient === 'finite-differences') return differencedObjective(size, value, onCall);
  return { size, value, gradient };
}

function callsOf({ valueCalls, gradientCalls, points }: Minimum): {
  readonly valueCalls: number;
  readonly gradientCalls: number;
  readonly points: number;
} {
  return { valueCalls, gradientCalls, points };
}

/** Uniform in [−π, π), by level and attempt, whatever was drawn before. */
export function randomStart(random: Random, level: number, attempt: number, ansatz: Circuit): Float64Array {
  const stream = random.stream(`start ${level} ${attempt}`);
  return Float64Array.from({ length: ansatz.parameters }, () => stream.uniform(-Math.PI, Math.PI));
}

/** @throws ArgumentError for what no method can work with. */
export function checkMethod(
  who: string,
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: MethodOptions,
): void {
  checkHermitian(who, hamiltonian);
  if (hamiltonian.qubits !== ansatz.qubits) {
    throw new ArgumentError(
      `${who}: the Hamiltonian has ${hamiltonian.qubits} qubits and the ansatz ${ansatz.qubits}; they must agree.`,
    );
  }
  const most = 2 ** hamiltonian.qubits;
  if (!(Number.isSafeInteger(count) && count >= 1 && count <= most)) {
    throw new ArgumentError(
      `${who}: levels must be a whole number in [1, 2^n] = [1, ${most}], got ${count}.`,
    );
  }
  if (ansatz.parameters === 0) {
    throw new ArgumentError(`${who}: the ansatz must have parameters, got a circuit of constant gates.`);
  }
  if (options?.seed === undefined) {
    throw new ArgumentError(`${who}: a seed is required, for the starting points. Pass { seed: 7 }.`);
  }
  if (options.starts && options.starts.length < count) {
    throw new ArgumentError(
      `${who}: starts must hold one vector for each of ${count} levels, got ${options.starts.length}.`,
    );
  }
}
