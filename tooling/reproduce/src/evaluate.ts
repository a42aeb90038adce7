import { OckhamError } from '@ockham/core';
import type { Claim, Finding, Verdict } from './claim.ts';
import type { Experiment, Row, ScaleName } from './experiment.ts';
import { scaleNames } from './experiment.ts';

/** What rows cannot say of themselves. */
export interface Circumstances {
  readonly scale: ScaleName;
  /** A dataset was the embedded sample: no claim can be better than `inconclusive`. */
  readonly sample: boolean;
  /** What to provide, when the experiment could not run. */
  readonly skipped?: string;
}

/** A claim with its verdict. */
export interface ClaimResult {
  readonly text: string;
  readonly paper: string;
  readonly verdict: Verdict;
  readonly ours: string;
  readonly values: Readonly<Record<string, number>>;
  readonly why: string;
}

/** The claims of one figure, with verdicts. */
export interface FigureVerdicts {
  readonly figure: string;
  readonly claims: readonly ClaimResult[];
}

/**
 * Computes every verdict of an experiment from its rows: the only place where a verdict comes from. Change a row
 * and the verdict follows.
 *
 * `reproduced` and `not reproduced` need a finding that decides, finite figures, the claim's number of seeds and
 * scale, and the full data; anything less is `inconclusive`, with the reason in `why`.
 */
export function evaluateClaims<R extends Row>(
  experiment: Pick<Experiment<never, R>, 'figures'>,
  rows: readonly R[],
  circumstances: Circumstances,
): FigureVerdicts[] {
  return experiment.figures.map((figure) => ({
    figure: figure.id,
    claims: figure.claims.map((claim) => judge(claim, rows, circumstances)),
  }));
}

function judge<R extends Row>(
  claim: Claim<R>,
  rows: readonly R[],
  { scale, sample, skipped }: Circumstances,
): ClaimResult {
  const { text, paper } = claim;
  if (skipped !== undefined) return { text, paper, verdict: 'skipped', ours: '–', values: {}, why: skipped };
  if (rows.length === 0) {
    return { text, paper, verdict: 'inconclusive', ours: 'no rows', values: {}, why: 'there are no rows' };
  }
  const finding = measure(claim, rows);
  const finite = Object.fromEntries(
    Object.entries(finding.values).filter(([, value]) => Number.isFinite(value)),
  );
  const doubt = reasonForDoubt(claim, finding, new Set(rows.map((row) => row.seed)).size, scale, sample);
  const verdict = doubt !== undefined ? 'inconclusive' : finding.holds ? 'reproduced' : 'not reproduced';
  const why = [doubt, finding.why].filter((reason) => reason !== undefined).join('; ');
  return { text, paper, verdict, ours: finding.ours, values: finite, why };
}

/** Figures that cannot be computed leave a claim open; a defect of the experiment's own code is thrown. */
function measure<R extends Row>(claim: Claim<R>, rows: readonly R[]): Finding {
  try {
    return claim.measure(rows);
  } catch (error) {
    if (!(error instanceof OckhamError)) throw error;
    return { holds: null, ours: '–', values: {}, why: error.message };
  }
}

function reasonForDoubt(
  { minSeeds, decidedFrom }: Pick<Claim, 'minSeeds' | 'decidedFrom'>,
  finding: Finding,
  seeds: number,
  scale: ScaleName,
  sample: boolean,
): string | undefined {
  const bad = Object.entries(finding.values).find(([, value]) => !Number.isFinite(value));
  if (bad) return `${bad[0]} is ${bad[1]}`;
  if (sample) return 'run on the embedded sample, not on the full data';
  if (scaleNames.indexOf(scale) < scaleNames.indexOf(decidedFrom)) {
    return `decided from the ${decidedFrom} scale on, this is ${scale}`;
  }
  if (seeds < minSeeds) return `${seeds} of the ${minSeeds} seeds that the claim needs`;
  return finding.holds === null ? 'the rows do not decide it' : undefined;
}
