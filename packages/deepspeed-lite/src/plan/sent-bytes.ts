/** Bytes of parameters and gradients that leave a rank in an update. */
import { shareOf } from '@ockham/core/comm';
import type { Plan } from '../engine/config.ts';
import { piecesOf, type Stage } from '../mesh/stage.ts';
import type { FlatLayout } from '../zero/flat-layout.ts';
import { shareOfRank } from '../zero/flat-layout.ts';
import { nextBorder } from '../zero/gradient-store.ts';
import { blockRanges, neededRanges, type Range } from '../zero/shares.ts';

/** What a rank trains. */
export type Trained = Pick<Stage, 'program' | 'cuts' | 'blocks' | 'copies'>;

/**
 * To the other data ranks: every reduction sends what is not one's own, every gathering what is, to all others.
 *
 * @param stage Number of the rank's stage.
 */
export function sentToDataRanks(
  { program, cuts, blocks, copies }: Trained,
  stage: number,
  { zero, accumulation, ranks, bucketSize }: Plan,
  layout: FlatLayout,
  rank: number,
): number {
  const half = (4 * layout.padded * (ranks - 1)) / ranks;
  if (zero === 1) return 2 * half;
  if (zero === 2) return (accumulation + 1) * half;
  const ranges = blockRanges(program, layout);
  if (zero === 0) {
    let sent = 0;
    for (const piece of piecesOf({ cuts, blocks }))
      for (const { begin, end } of buckets(
        piece.map((i) => ranges[i]!),
        layout,
        bucketSize,
      )) {
        const [first, last] = shareOf(end - begin, rank, ranks);
        sent += 4 * (end - begin - (last - first) + (ranks - 1) * (last - first));
      }
    return sent;
  }
  const needed = neededRanges(program, layout, zero);
  const [first, last] = shareOfRank(layout, rank);
  const gathered = (of: readonly Range[]): number =>
    of.reduce((sum, { begin, end }) => sum + 4 * (ranks - 1) * Math.max(0, Math.min(end, last) - Math.max(begin, first)), 0); // prettier-ignore
  const owned = copies.filter(({ owner }) => owner === stage);
  const again = owned.map(({ variable }) => program.blocks.findIndex(({ variables }) => variables.includes(variable))); // prettier-ignore
  return accumulation * (half + 2 * gathered(needed.flat())) + again.reduce((sum, i) => sum + gathered(needed[i]!), 0); // prettier-ignore
}

/** What is reduced at a time, of the blocks of a piece. */
function buckets(ranges: readonly Range[], layout: FlatLayout, least: number): Range[] {
  const found: Range[] = [];
  let { end } = ranges.at(-1)!;
  for (const { begin } of ranges.toReversed()) {
    const border = nextBorder(layout, 0, { begin, end }, { least, lowest: ranges[0]!.begin });
    if (border === undefined) continue;
    found.push({ begin: border, end });
    end = border;
  }
  return found;
}

/** To other stages: new values of weights that are used there too. */
export function sentCopies({ copies }: Trained, stage: number): number {
  return copies
    .filter(({ owner }) => owner === stage)
    .reduce((sum, { variable, users }) => sum + 4 * variable.size * users.length, 0);
}
