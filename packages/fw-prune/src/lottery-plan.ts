import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError } from '@ockham/core';
import { textTable } from '@ockham/core/metrics';
import type { LotteryTicketOptions } from './lottery-options.ts';
import { floorOf } from './scope.ts';
import { selectionOf, type LeftAlone, type Selection } from './selection.ts';

/** What a search for tickets would do. Which weights go is decided by what training makes of them. */
export interface LotteryPlan {
  /** One row per kernel. */
  readonly rows: readonly {
    /** `layer/kernel`. */
    readonly name: string;
    readonly size: number;
    /** Weights that stay at least. */
    readonly least: number;
    /** Why the kernel is left as it is, if it is. */
    readonly leftAlone?: LeftAlone;
  }[];
  /** From the dense network, round 0, to the last: the fraction of the prunable weights that is gone, and how many are kept. */
  readonly rounds: readonly { readonly round: number; readonly sparsity: number; readonly kept: number }[];
  /** Passes over the training data in all, those of the control and before rewinding included. */
  readonly epochs: number;
}

/**
 * A dry run of `lotteryTicket`: trains nothing.
 *
 * @throws As `lotteryTicket`.
 */
export function lotteryPlan(model: LayersModel, options: LotteryTicketOptions): LotteryPlan {
  checkLotteryOptions(options);
  const {
    exclude = [],
    floor = 0.001,
    rounds: count = 5,
    reinitialise = false,
    rewind,
    rewindEpochs = 1,
  } = options;
  const selection = selectionOf(model, exclude);
  const { weights, leftAlone, size } = selection;
  const rows = weights.map(({ name, size: own }, i) => ({
    name,
    size: own,
    least: leftAlone[i] ? own : floorOf(own, floor),
    ...(leftAlone[i] && { leftAlone: leftAlone[i] }),
  }));
  const kept = [size, ...keptAfter(selection, options)];
  const least = rows.reduce((sum, row) => sum + (row.leftAlone ? 0 : row.least), 0);
  checkFloors(least, kept.at(-1)!, selection, options);
  const trainings = 1 + count * (reinitialise ? 2 : 1);
  return {
    rows,
    rounds: kept.map((left, round) => ({ round, sparsity: 1 - left / size, kept: left })),
    epochs: trainings * options.train.epochs + (rewind === 'early' ? rewindEpochs : 0),
  };
}

/** A plan as an aligned table. */
export function formatLotteryPlan({ rows, rounds, epochs }: LotteryPlan): string {
  const cells = [
    ['kernel', 'weights', 'kept at least'],
    ...rows.map(({ name, size, least, leftAlone }) => [
      name,
      size.toLocaleString('en-US'),
      leftAlone ?? least.toLocaleString('en-US'),
    ]),
  ];
  const steps = rounds.map(({ round, kept }) => `${round}: ${kept.toLocaleString('en-US')}`);
  return [
    textTable(cells),
    `weights left after round ${steps.join(', ')}`,
    `${epochs} passes over the training data in all`,
  ].join('\n');
}

/** The weights left after each round, rounded; refuses rounds that remove nothing. */
function keptAfter({ size }: Selection, { rounds = 5, fraction = 0.2 }: LotteryTicketOptions): number[] {
  const counts: number[] = [];
  for (let left = size, round = 1; round <= rounds; round++) {
    const removed = Math.round(fraction * left);
    if (removed === 0) {
      throw new NothingChangedError(
        `lotteryTicket: in round ${round} fraction ${fraction} of ${left} weights rounds to 0. Use fewer rounds or a larger fraction.`,
      );
    }
    counts.push((left -= removed));
  }
  return counts;
}

function checkFloors(
  least: number,
  kept: number,
  { size }: Selection,
  { floor = 0.001 }: LotteryTicketOptions,
): void {
  if (least <= kept) return;
  throw new ArgumentError(
    `lotteryTicket: the rounds leave ${kept} of ${size} weights, but the floor ${floor} keeps ${least}. Use fewer rounds or a lower floor.`,
  );
}

/** @throws ArgumentError for an option out of range. */
export function checkLotteryOptions({
  rounds = 5,
  fraction = 0.2,
  rewind = 'initial',
  rewindEpochs = 1,
  floor = 0.001,
  train: { epochs },
}: LotteryTicketOptions): void {
  const refuse = (name: string, rule: string, got: unknown): never => {
    throw new ArgumentError(`lotteryTicket: ${name} must be ${rule}, got ${String(got)}.`);
  };
  if (!Number.isInteger(rounds) || rounds < 1) refuse('rounds', 'an integer ≥ 1', rounds);
  if (!(fraction > 0 && fraction < 1)) refuse('fraction', 'in (0, 1)', fraction);
  if (!['initial', 'early', 'none'].includes(rewind)) refuse('rewind', 'initial, early or none', rewind);
  if (!(rewindEpochs > 0 && Number.isFinite(rewindEpochs)))
    refuse('rewindEpochs', 'a number > 0', rewindEpochs);
  if (!(floor >= 0 && floor <= 1)) refuse('floor', 'in [0, 1]', floor);
  if (!(epochs > 0)) refuse('train.epochs', 'a number > 0', epochs);
}
