/**
 * QuantumGame with all players at once (Section 5 leaves it open): in each round every player takes one step against the
 * states that the players below had at the round's beginning.
 *
 * Section 6 asks when a player is good enough for those above to begin. Here a player begins when the one below has a
 * small enough residual, or no longer improves; its penalty can grow with the age of the players below; it rests once its
 * residual is below the tolerance and those below rest.
 */
import { ArgumentError, throwIfAborted } from '@ockham/core';
import { toRandom } from '@ockham/core/random';
import type { Circuit } from '../circuit/circuit.ts';
import { countGroups } from '../hamiltonian/commuting-groups.ts';
import { multiply } from '../hamiltonian/multiply.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { xGroups } from '../hamiltonian/x-groups.ts';
import { lbfgs } from '../optimizers/lbfgs.ts';
import { counting, type CountedObjective, type Iterate } from '../optimizers/optimizer.ts';
import { Simulator, type Projector } from '../simulator/simulator.ts';
import { certify, type Certificate } from './certificate.ts';
import { LedgerBook } from './ledger.ts';
import { levelOf, type Level } from './level.ts';
import { runProbe } from './probe.ts';
import { checkMethod, objectiveOf, randomStart, type ExcitedStates } from './sequential.ts';
import type { QuantumGameOptions } from './quantum-game.ts';
import { resolveShift } from './shift.ts';

/** Options of {@link parallelQuantumGame}. */
export interface ParallelQuantumGameOptions extends Omit<
  QuantumGameOptions,
  'gradient' | 'maxCalls' | 'trace'
> {
  /** A player begins when the one below has a residual below this, in the Hamiltonian's unit. Default Infinity: at once. */
  readonly startResidual?: number;
  /** A player also begins when the one below improves by less than this in a round; −Infinity for never. Default 1e-4. */
  readonly plateau?: number;
  /** Rounds after which a player's penalty on those above has its full weight; 0 for at once. Default 0. */
  readonly maturity?: number;
  /** Default 2,000. */
  readonly maxRounds?: number;
}

/** What {@link parallelQuantumGame} found. */
export interface ParallelStates extends ExcitedStates {
  /** Rounds until the last player rested: the time on as many devices as players. */
  readonly rounds: number;
}

/** A player whose parents rest, which rests not and no longer improves for so long, is in a local minimum. */
const STUCK_ROUNDS = 5;

interface Player {
  readonly simulator: Simulator;
  readonly objective: CountedObjective;
  steps: Generator<Iterate, unknown, void> | undefined;
  x: Float64Array;
  value: number;
  improvement: number;
  age: number;
  /** Rounds in a row without an improvement. */
  stuck: number;
  level: Level | undefined;
  resting: boolean;
}

/**
 * The lowest levels by players that move at the same time.
 *
 * @throws ArgumentError as `quantumGame`.
 */
export function parallelQuantumGame(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: ParallelQuantumGameOptions,
): ParallelStates {
  checkMethod('parallelQuantumGame', hamiltonian, ansatz, count, options);
  const {
    optimizer = lbfgs({ refresh: true }),
    startResidual = Infinity,
    plateau = 1e-4,
    maturity = 0,
    maxRounds = 2_000,
    residualTolerance = 1e-3,
    restarts: most = 3,
    probes = 1,
    signal,
  } = options;
  if (!(maxRounds >= 1) || !(maturity >= 0) || !(startResidual >= 0) || Number.isNaN(plateau)) {
    throw new ArgumentError(
      `parallelQuantumGame: maxRounds must be at least 1, maturity and startResidual at least 0 and plateau a number, got ` +
        `${maxRounds}, ${maturity}, ${startResidual} and ${plateau}.`,
    );
  }
  const shift = resolveShift('parallelQuantumGame', options.shift ?? 'auto', hamiltonian);
  const shifted = hamiltonian.shifted(-shift);
  const random = toRandom(options.seed);
  const book = new LedgerBook();
  const groups = countGroups(hamiltonian);
  const projectors: (Projector | undefined)[] = new Array<undefined>(count).fill(undefined);
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
    throwIfAborted(signal, 'parallelQuantumGame');
    rounds++;
    const moving = players.filter((player, i) => !player.resting && mayStart(i));
    for (const player of moving) advance(player);
    players.forEach((player, i) => (projectors[i] = projectorOf(player)));
    players.forEach((player, i) => {
      const settled = (player.level?.residual ?? Infinity) < residualTolerance;
      player.resting = settled && players.slice(0, i).every((below) => below.resting);
    });
    const first = players.findIndex((player) => !player.resting);
    if (first < 0) judgeAll();
    else if (players[first]!.stuck >= STUCK_ROUNDS) restartFrom(first);
  }
  players.forEach((player, i) => book.addCalls(player.objective, ansatz, groups * (1 + 2 * i)));
  for (const player of players) {
    player.level ??= levelOf(shifted, player.x, player.simulator.run(player.x).slice()); // it never began
  }
  // what was judged may have been restarted since
  const judged = players.every(({ resting }) => resting) && certificate ? certificate : certify(players.map(({ level }) => level!), options); // prettier-ignore
  const levels = players.map(({ level }) => ({ ...level!, energy: level!.energy + shift }));
  return {
    levels: levels.toSorted((a, b) => a.energy - b.energy),
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
    const simulator = new Simulator(ansatz);
    const own = (): Projector[] =>
      projectors.slice(0, i).filter((projector): projector is Projector => projector !== undefined);
    const objective = counting({
      size: ansatz.parameters,
      value: (x) => simulator.evaluate(x, shifted, undefined, { projectors: own() }).value,
      gradient: (x, into) => simulator.evaluate(x, shifted, into, { projectors: own() }).value,
    });
    const given = attempt === 0 ? options.starts?.[i] : undefined;
    const x = Float64Array.from(start ?? given ?? randomStart(random, i, attempt, ansatz));
    return {
      simulator, objective, steps: undefined, x, value: Infinity, improvement: Infinity, age: 0, stuck: 0, level: undefined, resting: false,
    }; // prettier-ignore
  }

  function mayStart(i: number): boolean {
    const below = players[i - 1];
    if (below === undefined || players[i]!.age > 0) return true;
    return (
      (below.level?.residual ?? Infinity) < startResidual ||
      below.improvement < plateau ||
      below.stuck >= STUCK_ROUNDS ||
      startResidual === Infinity
    );
  }

  function advance(player: Player): void {
    player.steps ??= optimizer(player.objective, player.x);
    const step = player.steps.next();
    player.age++;
    if (step.done) {
      player.stuck++;
      player.steps = undefined; // stalled, or converged for now: begin again where it stands
    } else {
      player.x = step.value.x.slice();
      player.improvement = player.value - step.value.value;
      player.value = step.value.value;
      player.stuck = Math.abs(player.improvement) < 1e-9 ? player.stuck + 1 : 0;
    }
    player.level = levelOf(shifted, player.x, player.simulator.run(player.x).slice());
  }

  function projectorOf({ level, age }: Player): Projector | undefined {
    if (level === undefined) return undefined;
    const product = new Float64Array(level.state.length);
    multiply(xGroups(shifted), level.state, product);
    const weight = maturity === 0 ? 1 : Math.min(1, age / maturity);
    return { state: product, weight: -weight / level.energy };
  }

  function judgeAll(): void {
    const all = players.map(({ level }) => level!);
    certificate = certify(all, options);
    const looks = count < 2 ** hamiltonian.qubits ? probes : 0;
    for (let look = 0; look < looks && certificate.passed; look++) {
      const start = randomStart(random.stream(`probe ${look}`), count, restarts, ansatz);
      const { simulator } = players[0]!;
      const above = projectors.filter((projector): projector is Projector => projector !== undefined);
      const objective = objectiveOf(simulator, shifted, above);
      const found = runProbe(simulator, shifted, all, objective, start, optimizer, {
        maxCalls: 10_000,
        residualTolerance,
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
      const fresh = makePlayer(i, i === level ? start : undefined);
      book.addCalls(players[i]!.objective, ansatz, groups * (1 + 2 * i));
      players[i] = fresh;
      projectors[i] = undefined;
    }
  }
}
