/**
 * The rounds of the parallel game, whoever owns the players: in each, every player takes one step against the states that
 * the players below had at the round's beginning, and what moved is told to all.
 *
 * A rank steps the players that it owns and knows of the others what they sent: angles and seven numbers. States are never
 * sent, each rank makes those that its players need from the angles. All else is decided alike on every rank, so that the
 * numbers are the same for any number of ranks.
 */
import { AbortedError, throwIfAborted } from '@ockham/core';
import { toRandom } from '@ockham/core/random';
import type { Circuit } from '../circuit/circuit.ts';
import { countGroups } from '../hamiltonian/commuting-groups.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { lbfgs } from '../optimizers/lbfgs.ts';
import { counting, type CountedObjective, type Iterate } from '../optimizers/optimizer.ts';
import { Simulator, type Projector } from '../simulator/simulator.ts';
import { certify, type Certificate } from './certificate.ts';
import { LedgerBook } from './ledger.ts';
import { levelOf, type Level } from './level.ts';
import type { ParallelQuantumGameOptions, ParallelStates } from './parallel-quantum-game.ts';
import { probing } from './probe.ts';
import { objectiveOf, randomStart } from './sequential.ts';
import { resolveShift } from './shift.ts';

/** Who owns which players. */
export interface Seating {
  /** The one that plays here. */
  readonly rank: number;
  /** Players [begin, end) of each rank, in order. */
  readonly shares: readonly (readonly [begin: number, end: number])[];
}

/** What the ranks tell each other of a round: `whole` is the parts of all ranks in order, `part` a view of this rank's. */
export interface Exchange {
  readonly part: Float64Array;
  readonly whole: Float64Array;
}

/** Numbers that are sent of a player beside its angles: value, energy, residual, calls of three kinds, and whether its optimiser ended. */
export const FIGURES = 7;

/** A player whose parents rest, which rests not and no longer improves for so long, is in a local minimum. */
const STUCK_ROUNDS = 5;

/** What all ranks know of a player, and its optimiser where it is owned. */
interface Player {
  x: Float64Array;
  value: number;
  improvement: number;
  age: number;
  /** Rounds in a row without an improvement. */
  stuck: number;
  energy: number;
  /** Infinity before it began. */
  residual: number;
  resting: boolean;
  calls: { readonly valueCalls: number; readonly gradientCalls: number; readonly points: number };
  /** H|ψ⟩, where a player of this rank or the probe needs it. */
  product: Float64Array | undefined;
  readonly objective: CountedObjective;
  steps: Generator<Iterate, unknown, void> | undefined;
}

/**
 * Plays to the end, for arguments that were checked. Yields an {@link Exchange} once a round, to be resumed when `whole` is
 * filled, and undefined wherever it may pause.
 */
export function* playRounds(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: ParallelQuantumGameOptions,
  { rank, shares }: Seating,
): Generator<Exchange | undefined, ParallelStates, undefined> {
  const {
    optimizer = lbfgs({ refresh: true }),
    startResidual = Infinity,
    plateau = 1e-4,
    maturity = 0,
    maxRounds = 2_000,
    residualTolerance = 1e-3,
    restarts: most = 3,
    probes = 1,
    progress,
    signal,
  } = options;
  const who = 'parallelQuantumGame';
  const shift = resolveShift(who, options.shift ?? 'auto', hamiltonian);
  const shifted = hamiltonian.shifted(-shift);
  const random = toRandom(options.seed);
  const book = new LedgerBook();
  const groups = countGroups(hamiltonian);
  const simulator = new Simulator(ansatz);
  const size = ansatz.parameters;
  const [begin, end] = shares[rank]!;
  const needed = (i: number): boolean => end > begin && i < end - 1; // by a player of this rank
  let attempt = 0;
  const players = Array.from({ length: count }, (_, i) => makePlayer(i));
  let restarts = 0;
  let rounds = 0;
  let certificate: Certificate | undefined;
  while (
    rounds < maxRounds &&
    !players.every((player) => player.resting) &&
    !(restarts >= most && players.every((player) => player.resting || player.stuck >= STUCK_ROUNDS))
  ) {
    rounds++;
    const moving = players.map((player, i) => !player.resting && mayStart(i));
    yield* move(moving);
    for (const [i, player] of players.entries()) {
      const settled = player.residual < residualTolerance;
      player.resting = settled && players.slice(0, i).every((below) => below.resting);
    }
    const resting = players.filter((player) => player.resting).length;
    progress?.({ stage: who, done: resting, total: count, metrics: { round: rounds } });
    const first = players.findIndex((player) => !player.resting);
    if (first < 0) yield* judgeAll();
    else if (players[first]!.stuck >= STUCK_ROUNDS) restartFrom(first);
  }
  for (const i of players.keys()) account(i);
  const all = levelsOfAll();
  // what was judged may have been restarted since
  const judged = players.every(({ resting }) => resting) && certificate ? certificate : certify(all, options);
  return {
    levels: all
      .map((level) => ({ ...level, energy: level.energy + shift }))
      .toSorted((a, b) => a.energy - b.energy),
    certificate: {
      ...judged,
      intervals: judged.intervals.map(([low, high]) => [low + shift, high + shift] as const),
      probe: judged.probe && { ...judged.probe, energy: judged.probe.energy + shift },
    },
    restarts,
    ledger: book.ledger,
    rounds,
  };

  function makePlayer(i: number, start?: Float64Array): Player {
    const value = (x: Float64Array, gradient?: Float64Array): number =>
      simulator.evaluate(x, shifted, gradient, { projectors: projectorsBelow(i) }).value;
    const given = attempt === 0 ? options.starts?.[i] : undefined;
    return {
      x: Float64Array.from(start ?? given ?? randomStart(random, i, attempt, ansatz)),
      value: Infinity,
      improvement: Infinity,
      age: 0,
      stuck: 0,
      energy: NaN,
      residual: Infinity,
      resting: false,
      calls: { valueCalls: 0, gradientCalls: 0, points: 0 },
      product: undefined,
      objective: counting({ size, value, gradient: value }),
      steps: undefined,
    };
  }

  function mayStart(i: number): boolean {
    const below = players[i - 1];
    if (below === undefined || players[i]!.age > 0) return true;
    return (
      below.residual < startResidual ||
      below.improvement < plateau ||
      below.stuck >= STUCK_ROUNDS ||
      startResidual === Infinity
    );
  }

  /** Moves the players of this rank, and has from all ranks where theirs went. */
  function* move(moving: readonly boolean[]): Generator<Exchange> {
    const movers = shares.map(([from, to]) => [...players.keys()].slice(from, to).filter((i) => moving[i]));
    const starts: number[] = [0];
    for (const mine of movers) starts.push(starts.at(-1)! + 1 + mine.length * (size + FIGURES));
    const whole = new Float64Array(starts.at(-1)!);
    const part = whole.subarray(starts[rank], starts[rank + 1]);
    const products = new Map<number, Float64Array>();
    if (signal?.aborted) part[0] = 1;
    else {
      movers[rank]!.forEach((i, k) => {
        const { figures, product } = advance(players[i]!);
        part.set(figures, 1 + k * (size + FIGURES));
        products.set(i, product);
      });
    }
    yield { part, whole };
    const stopped = shares.findIndex((_, r) => whole[starts[r]!] !== 0);
    if (stopped >= 0) {
      throwIfAborted(signal, who);
      throw new AbortedError(
        `${who}: stopped by the AbortSignal of rank ${stopped}. Run it again to start over.`,
      );
    }
    movers.forEach((theirs, r) =>
      theirs.forEach((i, k) => {
        const at = starts[r]! + 1 + k * (size + FIGURES);
        take(players[i]!, whole.subarray(at, at + size + FIGURES));
        players[i]!.product = products.get(i) ?? (needed(i) ? productAt(players[i]!.x) : undefined);
      }),
    );
  }

  /** One step of a player of this rank: its angles and {@link FIGURES}, and H|ψ⟩ there. */
  function advance(player: Player): { readonly figures: Float64Array; readonly product: Float64Array } {
    player.steps ??= optimizer(player.objective, player.x);
    const step = player.steps.next();
    if (step.done) player.steps = undefined; // stalled, or converged for now: begin again where it stands
    const x = step.done ? player.x : step.value.x.slice();
    const product = new Float64Array(2 * 2 ** ansatz.qubits);
    const { energy, residual } = levelOf(shifted, x, simulator.run(x), product);
    const { valueCalls, gradientCalls, points } = player.objective;
    const value = step.done ? player.value : step.value.value;
    const figures = [value, energy, residual, valueCalls, gradientCalls, points, step.done ? 1 : 0];
    return { figures: Float64Array.from([...x, ...figures]), product };
  }

  function take(player: Player, record: Float64Array): void {
    const [value, energy, residual, valueCalls, gradientCalls, points, ended] = record.subarray(size);
    player.age++;
    if (ended) player.stuck++;
    else {
      player.improvement = player.value - value!;
      player.stuck = Math.abs(player.improvement) < 1e-9 ? player.stuck + 1 : 0;
    }
    player.x = record.slice(0, size);
    player.value = value!;
    player.energy = energy!;
    player.residual = residual!;
    player.calls = { valueCalls: valueCalls!, gradientCalls: gradientCalls!, points: points! };
  }

  function productAt(x: Float64Array): Float64Array {
    const product = new Float64Array(2 * 2 ** ansatz.qubits);
    levelOf(shifted, x, simulator.run(x), product);
    return product;
  }

  /** Of the players below `i` that began: −1/⟨H⟩ of eq. 8, less where they are young. */
  function projectorsBelow(i: number): Projector[] {
    return players.slice(0, i).flatMap(({ product, age, energy }) => {
      if (product === undefined) return [];
      const weight = maturity === 0 ? 1 : Math.min(1, age / maturity);
      return [{ state: product, weight: -weight / energy }];
    });
  }

  function levelsOfAll(): Level[] {
    return players.map(({ x }) => levelOf(shifted, x, simulator.run(x).slice()));
  }

  function account(i: number): void {
    book.addCalls(players[i]!.calls, ansatz, groups * (1 + 2 * i));
  }

  function* judgeAll(): Generator<undefined, void, undefined> {
    const all = levelsOfAll();
    certificate = certify(all, options);
    const looks = count < 2 ** hamiltonian.qubits ? probes : 0;
    for (let look = 0; look < looks && certificate.passed; look++) {
      const start = randomStart(random.stream(`probe ${look}`), count, restarts, ansatz);
      for (const player of players) player.product ??= productAt(player.x);
      const objective = objectiveOf(simulator, shifted, projectorsBelow(count));
      // every rank looks; one that stopped alone would leave the others waiting
      const stop = shares.length === 1 ? { signal } : {};
      const found = yield* probing(simulator, shifted, all, objective, start, optimizer, {
        who,
        maxCalls: 10_000,
        residualTolerance,
        ...stop,
      });
      book.addCalls(found.calls, ansatz, groups * (1 + 2 * count));
      rounds += found.looks; // those found have nothing to do meanwhile
      certificate = certify(all, options, found.probe);
    }
    const alarm = certificate.alarms.find(({ kind }) => kind !== 'degenerate');
    if (alarm === undefined) return;
    restartFrom(alarm.level, certificate.probe?.parameters);
  }

  function restartFrom(level: number, start?: Float64Array): void {
    if (restarts >= most) return;
    restarts++;
    attempt++;
    for (let i = level; i < count; i++) {
      account(i);
      players[i] = makePlayer(i, i === level ? start : undefined);
    }
  }
}
