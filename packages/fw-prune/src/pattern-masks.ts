import { chooseKept, floorOf, type Candidates, type Scope } from './scope.ts';
import { patternUnits, type PatternRule } from './pattern.ts';

/** A kernel whose weights are chosen by a pattern. */
export interface PatternedCandidates extends Candidates {
  readonly shape: readonly number[];
}

/** How competition among blocks is settled, as among weights. */
export interface BlockCompetition {
  /** Weights to keep; blocks are kept whole, to the nearest number of them. */
  readonly kept: number;
  readonly scope: Scope;
  /** Least fraction of each kernel's blocks. */
  readonly floor: number;
}

/** The masks that a pattern leaves of some kernels: a byte per weight, 0 is pruned. */
export function choosePattern(
  kernels: readonly PatternedCandidates[],
  rule: PatternRule,
  competition: BlockCompetition,
): Uint8Array[] {
  return rule.kind === 'groups'
    ? kernels.map((kernel) => bestOfGroups(kernel, rule))
    : chooseBlocks(kernels, rule, competition);
}

/** The n best of each group, of equal scores the later. */
function bestOfGroups(
  { scores, allowed, shape }: PatternedCandidates,
  rule: PatternRule & { readonly kind: 'groups' },
): Uint8Array {
  const bits = new Uint8Array(scores.length);
  for (const unit of patternUnits(shape, rule)) {
    const ranked = unit.filter((i) => allowed[i] === 1).sort((a, b) => scores[b]! - scores[a]! || b - a);
    for (const i of ranked.slice(0, rule.n)) bits[i] = 1;
  }
  return bits;
}

function chooseBlocks(
  kernels: readonly PatternedCandidates[],
  rule: PatternRule & { readonly kind: 'blocks' },
  { kept, scope, floor }: BlockCompetition,
): Uint8Array[] {
  const units = kernels.map(({ shape }) => [...patternUnits(shape, rule)]);
  const blocks = kernels.map(({ scores, allowed }, k): Candidates => {
    const free = (unit: readonly number[]) => unit.filter((i) => allowed[i] === 1);
    const norm = (unit: readonly number[]) =>
      Math.sqrt(free(unit).reduce((sum, i) => sum + scores[i]! ** 2, 0));
    return {
      scores: Float64Array.from(units[k]!, norm),
      allowed: Uint8Array.from(units[k]!, (unit) => Number(free(unit).length > 0)),
    };
  });
  const left = blocks.reduce((sum, { allowed }) => sum + allowed.reduce((s, bit) => s + bit, 0), 0);
  const wanted = Math.min(left, Math.round(kept / (rule.inputs * rule.outputs)));
  const floors = units.map(({ length }) => floorOf(length, floor));
  const chosen = chooseKept(blocks, wanted, scope, floors);
  return kernels.map(({ allowed }, k) => {
    const bits = new Uint8Array(allowed.length);
    for (const [j, unit] of units[k]!.entries())
      if (chosen[k]![j] === 1) for (const i of unit) bits[i] = allowed[i]!;
    return bits;
  });
}
