/**
 * What can be said of a set of levels without knowing the answer: residuals, overlaps, order.
 */
import { gramMatrix, type Level } from './level.ts';
import type { Probe } from './probe.ts';

/** Something that a certificate does not like about a level. */
export interface Alarm {
  /** Index of the level. */
  readonly level: number;
  /**
   * `not-an-eigenstate`: its residual is above the tolerance. `overlap`: it is not orthogonal to a level below.
   * `missed`: a level found after it, or a probe, lies below it, so that it is not the lowest that was left.
   * `degenerate`: its interval meets that of a level below, or that of a level that was not asked for.
   */
  readonly kind: 'not-an-eigenstate' | 'overlap' | 'missed' | 'degenerate';
  /** The same in words, with the figures. */
  readonly message: string;
}

/** See {@link certify}. */
export interface Certificate {
  /** Whether no alarm but `degenerate` was raised. */
  readonly passed: boolean;
  /** Everything that was found wrong; empty for a clean certificate. */
  readonly alarms: readonly Alarm[];
  /** `[energy − residual, energy + residual]` holds an eigenvalue, for each level. */
  readonly intervals: readonly (readonly [number, number])[];
  /** |⟨ψ_i|ψ_j⟩|. */
  readonly gram: readonly (readonly number[])[];
  /** The last look for a level that was missed; undefined where none was asked for or no level is left. */
  readonly probe: Probe | undefined;
}

/** Options of {@link certify}. */
export interface CertifyOptions {
  /**
   * The largest residual that passes, in the Hamiltonian's unit. Default 1e-3: an energy that is a minimum errs by
   * about residual² / gap, so that is 1e-6 for a gap of 1.
   */
  readonly residualTolerance?: number;
  /** The largest overlap of two levels that passes. Default 1e-2. */
  readonly overlapTolerance?: number;
}

/**
 * Judges levels, in the order in which they were found, by what a device could measure.
 *
 * @param probe A look above them, whose verdict `missed` or `degenerate` becomes an alarm.
 */
export function certify(levels: readonly Level[], options: CertifyOptions = {}, probe?: Probe): Certificate {
  const { residualTolerance = 1e-3, overlapTolerance = 1e-2 } = options;
  const gram = gramMatrix(levels);
  const alarms: Alarm[] = [];
  levels.forEach(({ energy, residual }, i) => {
    if (residual > residualTolerance) {
      alarms.push({
        level: i,
        kind: 'not-an-eigenstate',
        message: `level ${i} has residual ${residual.toExponential(2)}, above ${residualTolerance}`,
      });
    }
    for (let j = 0; j < i; j++) {
      const below = levels[j]!;
      if (gram[i]![j]! > overlapTolerance) {
        alarms.push({
          level: i,
          kind: 'overlap',
          message: `levels ${j} and ${i} overlap by ${gram[i]![j]!.toExponential(2)}, above ${overlapTolerance}`,
        });
      }
      if (energy + residual < below.energy - below.residual - 1e-9) {
        alarms.push({
          level: j,
          kind: 'missed',
          message: `level ${j} is at ${below.energy}, above level ${i} at ${energy}, which was found after it`,
        });
      }
      if (Math.abs(energy - below.energy) <= residual + below.residual + 1e-9) {
        alarms.push({
          level: i,
          kind: 'degenerate',
          message: `levels ${j} and ${i} cannot be told apart: ${below.energy} and ${energy}`,
        });
      }
    }
  });
  if (probe?.verdict === 'missed') {
    const above = levels.findIndex(({ energy }) => energy > probe.energy);
    alarms.push({
      level: Math.max(0, above),
      kind: 'missed',
      message: `a probe outside of all levels reached ${probe.energy}, below level ${above} at ${levels[above]?.energy}`,
    });
  } else if (probe?.verdict === 'degenerate') {
    const energies = levels.map(({ energy }) => energy);
    const highest = energies.indexOf(Math.max(...energies));
    alarms.push({
      level: highest,
      kind: 'degenerate',
      message: `level ${highest} at ${energies[highest]} cannot be told from a further one at ${probe.energy}; ask for more levels to have both`,
    });
  }
  return {
    passed: alarms.every(({ kind }) => kind === 'degenerate'),
    alarms,
    intervals: levels.map(({ energy, residual }) => [energy - residual, energy + residual] as const),
    gram,
    probe,
  };
}
