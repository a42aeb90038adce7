/** Who owns what of the flat vector. */
import type { Program } from '../program/cut-model.ts';
import type { FlatLayout } from './flat-layout.ts';

/** A part of the flat vector. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/** A part that lies in the share of one rank. */
export interface OwnedRange extends Range {
  readonly owner: number;
}

/** Cuts [begin, end) where the shares of the ranks do. */
export function byOwner({ padded, ranks }: FlatLayout, { begin, end }: Range): OwnedRange[] {
  const share = padded / ranks;
  const parts: OwnedRange[] = [];
  for (let at = begin; at < end;) {
    const owner = Math.floor(at / share);
    const next = Math.min(end, (owner + 1) * share);
    parts.push({ owner, begin: at, end: next });
    at = next;
  }
  return parts;
}

/** The parts of the flat vector that the blocks own, one behind the other; the padding is the last one's. */
export function blockRanges({ blocks }: Program, layout: FlatLayout): Range[] {
  let end = 0;
  return blocks.map(({ variables }, i) => {
    const begin = end;
    end =
      i === blocks.length - 1 ? layout.padded : begin + variables.reduce((sum, { size }) => sum + size, 0);
    return { begin, end };
  });
}

/** The parts that each block needs: its own, and from stage 3 on those of the variables that an earlier block owns and that are gone. */
export function neededRanges(program: Program, layout: FlatLayout, zero: number): (readonly Range[])[] {
  const own = blockRanges(program, layout);
  return program.blocks.map((block, i) => {
    const shared = (zero < 3 ? [] : block.shared).map((variable) => {
      const { offset, size } = layout.entries[program.variables.indexOf(variable)]!;
      return { begin: offset, end: offset + size };
    });
    return [own[i]!, ...shared].filter(({ begin, end }) => begin < end);
  });
}
