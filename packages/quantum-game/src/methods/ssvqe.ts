/**
 * Subspace search: one circuit sends k basis states to the k lowest levels (Nakanishi, Mitarai and Fujii 2019, eq. 4),
 * and a second step sorts the levels within the subspace; with falling weights (eq. 5; QP-VQE of Hong et al. 2023) the
 * one step is enough.
 *
 * Deviations: the second step is a k × k diagonalisation of the mixed energies, exact, instead of another circuit.
 */
import { ArgumentError } from '@ockham/core';
import { eigh } from '@ockham/core/linalg/eigh';
import { toRandom } from '@ockham/core/random';
import type { Circuit } from '../circuit/circuit.ts';
import { countGroups } from '../hamiltonian/commuting-groups.ts';
import { differencedObjective } from '../gradients/finite-differences.ts';
import { multiply } from '../hamiltonian/multiply.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { xGroups } from '../hamiltonian/x-groups.ts';
import { lbfgs } from '../optimizers/lbfgs.ts';
import { minimizing, type Objective } from '../optimizers/optimizer.ts';
import { addScaled, innerProduct } from '../simulator/inner-product.ts';
import { Simulator } from '../simulator/simulator.ts';
import { finish, finishAsync, type Steps } from '../stepping.ts';
import { certify, type Certificate } from './certificate.ts';
import { LedgerBook } from './ledger.ts';
import { levelOf, type Level } from './level.ts';
import { judgeProbe } from './probe.ts';
import { checkMethod, randomStart, type ExcitedStates, type MethodOptions } from './sequential.ts';

/** Options of {@link ssvqe}. */
export interface SsvqeOptions extends MethodOptions {
  /** Weights of the levels, falling; then no second step is needed. Default all 1, with the second step. */
  readonly weights?: readonly number[];
  /** Basis states to start from, all different. Default 0, 1, …, k − 1. */
  readonly initial?: readonly number[];
  /** Diagonalise within the subspace. Default true without weights, false with them. */
  readonly secondStep?: boolean;
}

/**
 * The lowest levels from one circuit. Each call of the objective takes `levels` expectations; in the ledger a probe, which
 * takes one, counts as a value call.
 *
 * @throws ArgumentError as `quantumGame`, and for weights that do not fall or states that are not different.
 */
export function ssvqe(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: SsvqeOptions,
): ExcitedStates {
  return finish(searchingSubspace(hamiltonian, ansatz, levels, options));
}

/** {@link ssvqe} with turns of the event loop between its iterations; see `quantumGameAsync`. */
export async function ssvqeAsync(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: SsvqeOptions,
): Promise<ExcitedStates> {
  return finishAsync(searchingSubspace(hamiltonian, ansatz, levels, options));
}

function* searchingSubspace(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: SsvqeOptions,
): Steps<ExcitedStates> {
  checkMethod('ssvqe', hamiltonian, ansatz, levels, options);
  const { optimizer = lbfgs(), restarts: most = 3, maxCalls = 10_000, signal, trace } = options;
  const { probes = 1, residualTolerance = 1e-3 } = options;
  const weights = options.weights ?? new Array<number>(levels).fill(1);
  const initial = options.initial ?? Array.from({ length: levels }, (_, i) => i);
  const { secondStep = options.weights === undefined } = options;
  checkSubspace(levels, weights, initial, options.weights !== undefined);
  const simulator = new Simulator(ansatz);
  const book = new LedgerBook();
  const part = new Float64Array(ansatz.parameters);
  const objective: Objective = {
    size: ansatz.parameters,
    value: (x) =>
      initial.reduce((sum, state, i) => sum + weights[i]! * simulator.energy(x, hamiltonian, state), 0),
    gradient(x, into) {
      into.fill(0);
      let value = 0;
      initial.forEach((state, i) => {
        value += weights[i]! * simulator.evaluate(x, hamiltonian, part, { initial: state }).value;
        for (let p = 0; p < into.length; p++) into[p]! += weights[i]! * part[p]!;
      });
      return value;
    },
  };
  const asked =
    options.gradient === 'finite-differences' ? () => differencedObjective(objective.size, objective.value) : () => objective; // prettier-ignore
  // the circuit sends a further basis state outside of the subspace: a probe for one expectation
  const rest = Array.from({ length: 2 ** hamiltonian.qubits }, (_, i) => i).filter(
    (i) => !initial.includes(i),
  );
  const random = toRandom(options.seed);
  let best:
    { readonly levels: Level[]; readonly certificate: Certificate; readonly value: number } | undefined;
  for (let attempt = 0; ; attempt++) {
    const start =
      attempt === 0 && options.starts ? options.starts[0]! : randomStart(random, 0, attempt, ansatz);
    const minimum = yield* minimizing(asked(), start, optimizer, {
      maxCalls,
      signal,
      ...(trace && { callback: ({ calls, value }) => trace({ level: 0, calls, value }) }),
    });
    book.addCalls(minimum, ansatz, levels * countGroups(hamiltonian));
    const states = initial.map((state) => simulator.run(minimum.x, state).slice());
    const sorted = (secondStep ? rotated(hamiltonian, states) : states)
      .map((state): Level => levelOf(hamiltonian, minimum.x, state))
      .sort((a, b) => a.energy - b.energy);
    let certificate = certify(sorted, options);
    for (const state of rest.slice(0, probes)) {
      if (!certificate.passed) break;
      const seen = simulator.run(minimum.x, state).slice();
      const looked = judgeProbe(hamiltonian, sorted, minimum.x, seen, residualTolerance);
      book.addCalls({ valueCalls: 1, gradientCalls: 0, points: 0 }, ansatz, countGroups(hamiltonian));
      certificate = certify(sorted, options, looked);
    }
    const { value } = minimum;
    if (best === undefined || certificate.passed || value < best.value) best = { levels: sorted, certificate, value }; // prettier-ignore
    if (certificate.passed || attempt >= most)
      return { levels: best.levels, certificate: best.certificate, restarts: attempt, ledger: book.ledger };
  }
}

/** Combinations of the states that diagonalise H among them. */
export function rotated(hamiltonian: PauliSum, states: readonly Float64Array[]): Float64Array[] {
  const k = states.length;
  const products = states.map((state) => {
    const product = new Float64Array(state.length);
    multiply(xGroups(hamiltonian), state, product);
    return product;
  });
  // A + iB as the real symmetric [[A, −B], [B, A]], whose levels come in pairs
  const values = new Float64Array(4 * k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      const [re, im] = innerProduct(states[i]!, products[j]!);
      values[2 * k * i + j] = values[2 * k * (i + k) + j + k] = re;
      values[2 * k * (i + k) + j] = im;
      values[2 * k * i + j + k] = -im;
    }
  }
  const { vectors } = eigh({ rows: 2 * k, columns: 2 * k, values });
  const made: Float64Array[] = [];
  for (let c = 0; c < 2 * k && made.length < k; c++) {
    const state = new Float64Array(states[0]!.length);
    for (let i = 0; i < k; i++) {
      addScaled(state, states[i]!, vectors.values[2 * k * i + c]!, vectors.values[2 * k * (i + k) + c]!);
    }
    // of each pair the second is i times the first, or a mixture of a degenerate level's
    for (const other of made) {
      const [re, im] = innerProduct(other, state);
      addScaled(state, other, -re, -im);
    }
    const norm = Math.sqrt(innerProduct(state, state)[0]);
    if (norm < 1e-6) continue;
    made.push(state.map((value) => value / norm));
  }
  return made;
}

function checkSubspace(
  levels: number,
  weights: readonly number[],
  initial: readonly number[],
  falling: boolean,
): void {
  const fine =
    weights.length === levels &&
    weights.every((weight, i) => weight > 0 && (!falling || i === 0 || weight < weights[i - 1]!));
  if (!fine) {
    throw new ArgumentError(
      `ssvqe: weights must be ${levels} falling numbers above 0, got ${weights.join(', ')}. For three levels pass [3, 2, 1].`,
    );
  }
  if (initial.length !== levels || new Set(initial).size !== levels) {
    throw new ArgumentError(
      `ssvqe: initial must be ${levels} different basis states, got ${initial.join(', ')}.`,
    );
  }
}
