import type { LayersModel } from '@tensorflow/tfjs-layers';
import { DataError } from '@ockham/core';
import type { Snapshot } from '@ockham/core/training';
import { joinSnapshots, splitSnapshot } from './checkpoint.ts';
import type { Ticket } from './lottery-options.ts';
import { Masks } from './masks.ts';

/** Where a search for tickets stands. */
export interface LotteryState {
  /** The round under way. */
  readonly round: number;
  readonly tickets: readonly Ticket[];
  readonly masks: Masks;
  /** What weights are rewound to. */
  readonly target: Snapshot;
  /** Between rounds, the weights that the last round trained. */
  readonly weights?: Snapshot;
  /** Within a round, where its training started and where it stands. */
  readonly start?: Snapshot;
  readonly training?: Snapshot;
}

/** A whole search in one snapshot. */
export function packLottery(identity: string, state: LotteryState): Snapshot {
  const { round, tickets, masks, target, weights, start, training } = state;
  const kept = tickets.flatMap((ticket, i) => [
    [`ticket${i}-masks`, ticket.masks] as const,
    [`ticket${i}-start`, ticket.start] as const,
  ]);
  return joinSnapshots(
    {
      kind: 'ockham-lottery-ticket',
      identity,
      round,
      tickets: tickets.map(({ masks: _, start: __, ...figures }) => figures),
    },
    { masks: masks.toSnapshot(), target, weights, start, training, ...Object.fromEntries(kept) },
  );
}

/** Takes {@link packLottery} apart. @throws DataError if the snapshot is of another search. */
export function unpackLottery(model: LayersModel, identity: string, snapshot: Snapshot): LotteryState {
  const meta = snapshot.meta as {
    kind: string;
    identity: string;
    round: number;
    tickets: Omit<Ticket, 'masks' | 'start'>[];
  };
  if (meta.kind !== 'ockham-lottery-ticket' || meta.identity !== identity) {
    throw new DataError(
      'checkpoint-mismatch',
      `lotteryTicket: the checkpoint is of another run (${meta.identity ?? meta.kind}), this one is ${identity}. Use the same model, data, options and seed, or remove the checkpoint.`,
    );
  }
  const parts = splitSnapshot(snapshot);
  const { weights, start, training } = parts;
  return {
    round: meta.round,
    tickets: meta.tickets.map((figures, i) => ({
      ...figures,
      masks: parts[`ticket${i}-masks`]!,
      start: parts[`ticket${i}-start`]!,
    })),
    masks: Masks.fromSnapshot(model, parts['masks']!),
    target: parts['target']!,
    ...(weights && { weights }),
    ...(start && { start }),
    ...(training && { training }),
  };
}
