/**
 * Levels one after another: each minimises an objective made from the levels below, which is all that tells one method
 * from another. A certificate asks for restarts; a probe looks for a level that was missed.
 */
import { ArgumentError, throwIfAborted, type Progress } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import { checkParameters, type Circuit } from '../circuit/circuit.ts';
import { checkHermitian, type PauliSum } from '../hamiltonian/pauli-sum.ts';
import { differencedObjective } from '../gradients/finite-differences.ts';
import { lbfgs } from '../optimizers/lbfgs.ts';
import { minimizing, type Objective, type Optimizer } from '../optimizers/optimizer.ts';
import { Simulator, type Projector } from '../simulator/simulator.ts';
import type { Steps } from '../stepping.ts';
import { certify, type Certificate, type CertifyOptions } from './certificate.ts';
import { LedgerBook, type Ledger } from './ledger.ts';
import { levelOf, type Level } from './level.ts';
import { probing, type Probe } from './probe.ts';

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
  /** Most restarts over all levels, each asked for by the certificate. Default 3, and 0 with `shots`. */
  readonly restarts?: number;
  /**
   * Looks for a level that was missed, each from a fresh start, once all levels are found and pass; its calls are in the
   * ledger. Default 1, and 0 with `shots`.
   */
  readonly probes?: number;
  /** Calls of the objective for one level. Default 10,000. */
  readonly maxCalls?: number;
  /** Called after each iteration with the level, its value and the calls so far of this level. */
  readonly trace?: (entry: {
    readonly level: number;
    readonly calls: number;
    readonly value: number;
  }) => void;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal | undefined;
}

/** What a method found. */
export interface ExcitedStates {
  /** By energy. */
  readonly levels: readonly Level[];
  /** What speaks for the levels, and against them. */
  readonly certificate: Certificate;
  /** Restarts that the certificate asked for. */
  readonly restarts: number;
  /** What the run cost. */
  readonly ledger: Ledger;
}

/** What makes one method different from another. */
export interface SequentialRule {
  readonly who: string;
  /** What a level minimises, with those below it found. */
  objective(simulator: Simulator, below: readonly Level[]): Objective;
  /** The level's state from the circuit's. Default: the same. */
  finish?(state: Float64Array, below: readonly Level[]): Float64Array;
  /** Circuits to measure one value, with `below` levels found. */
  circuits(below: number): number;
  /** Shots of each circuit; 0 or left out where expectations are exact. */
  readonly shots?: number;
}

/** One attempt at a level. */
interface Attempt {
  readonly level: Level;
  /** Of its objective. */
  readonly value: number;
}

/** The levels one after another, with a pause after each iteration of the optimiser. */
export function* inSequence(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  rule: SequentialRule,
  options: MethodOptions,
): Steps<ExcitedStates> {
  const { who } = rule;
  checkMethod(who, hamiltonian, ansatz, count, options);
  const exact = rule.shots === undefined;
  const { restarts: most = exact ? 3 : 0, probes = exact ? 1 : 0, residualTolerance = 1e-3 } = options;
  const { progress, signal } = options;
  const { optimizer = lbfgs(), maxCalls = 10_000, trace } = options;
  const random = toRandom(options.seed);
  const simulator = new Simulator(ansatz);
  const book = new LedgerBook();
  const levels: Level[] = [];
  // every attempt at a level whose levels below are still the same
  const attempts: Attempt[][] = Array.from({ length: count }, () => []);
  const looks = count < 2 ** hamiltonian.qubits ? probes : 0;
  let restarts = 0;
  let fresh: Float64Array | undefined;
  let certificate: Certificate;
  for (;;) {
    while (levels.length < count) yield* findNext();
    certificate = certify(levels, options);
    for (let look = 0; look < looks && certificate.passed; look++) certificate = certify(levels, options, yield* probe(look)); // prettier-ignore
    const missed = certificate.passed ? undefined : certificate.alarms.find(({ kind }) => kind === 'missed');
    if (missed === undefined || certificate.probe === undefined || restarts >= most) break;
    restarts++;
    fresh = certificate.probe.parameters;
    backTo(missed.level);
  }
  progress?.({ stage: who, done: count, total: count });
  return {
    levels: levels.toSorted((a, b) => a.energy - b.energy),
    certificate,
    restarts,
    ledger: book.ledger,
  };

  function* findNext(): Steps<void> {
    throwIfAborted(signal, who);
    const i = levels.length;
    progress?.({ stage: who, done: i, total: count });
    const tried = attempts[i]!.length;
    const given = tried === 0 ? options.starts?.[i] : undefined;
    const start = fresh ?? given ?? randomStart(random, i, tried, ansatz);
    fresh = undefined;
    const minimum = yield* minimizing(rule.objective(simulator, levels), start, optimizer, {
      maxCalls,
      signal,
      ...(trace && { callback: ({ calls, value }) => trace({ level: i, calls, value }) }),
    });
    book.addCalls(minimum, ansatz, rule.circuits(i), rule.shots);
    const state = simulator.run(minimum.x).slice();
    const level = levelOf(hamiltonian, minimum.x, rule.finish?.(state, levels) ?? state);
    attempts[i]!.push({ level, value: minimum.value });
    levels.push(level);
    const alarm = certify(levels, options).alarms.find(({ kind }) => kind !== 'degenerate');
    if (alarm === undefined) return;
    if (restarts < most) {
      restarts++;
      backTo(Math.min(alarm.level, i));
    } else if (tried > 0) {
      levels[i] = attempts[i]!.reduce((best, one) => (one.value < best.value ? one : best)).level;
    }
  }

  function backTo(level: number): void {
    levels.length = level;
    for (const later of attempts.slice(level + 1)) later.length = 0;
  }

  function* probe(look: number): Steps<Probe> {
    throwIfAborted(signal, who);
    const start = randomStart(random.stream(`probe ${look}`), count, restarts, ansatz);
    const found = yield* probing(
      simulator, hamiltonian, levels, rule.objective(simulator, levels), start, optimizer,
      { who, maxCalls, residualTolerance, signal },
    ); // prettier-ignore
    book.addCalls(found.calls, ansatz, rule.circuits(count), rule.shots);
    return found.probe;
  }
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
  for (const start of options.starts ?? []) checkParameters(`${who}: starts`, ansatz, start);
  const { restarts, probes, maxCalls, residualTolerance, overlapTolerance, gradient } = options;
  if (gradient !== undefined && gradient !== 'adjoint' && gradient !== 'finite-differences') {
    throw new ArgumentError(
      `${who}: gradient must be 'adjoint' or 'finite-differences', got ${String(gradient)}.`,
    );
  }
  const bounds = {
    restarts: [restarts, 0],
    probes: [probes, 0],
    maxCalls: [maxCalls, 1],
    residualTolerance: [residualTolerance, 0],
    overlapTolerance: [overlapTolerance, 0],
  } as const;
  for (const [name, [value, least]] of Object.entries(bounds)) {
    if (value !== undefined && !(value >= least))
      throw new ArgumentError(`${who}: ${name} must be at least ${least}, got ${value}.`);
  }
}
