/**
 * What can be said of a set of levels without knowing the answer: residuals, overlaps, order.
 */
import { gramMatrix, type Level } from './level.ts';

/** Something that a certificate does not like about a level. */
export interface Alarm {
  /** Index of the level. */
  readonly level: number;
  /**
   * `not-an-eigenstate`: its residual is above the tolerance. `overlap`: it is not orthogonal to a level below.
   * `missed`: it lies below a level found before it, which therefore is not the lowest that was left.
   * `degenerate`: its interval meets that of the level below.
   */
  readonly kind: 'not-an-eigenstate' | 'overlap' | 'missed' | 'degenerate';
  readonly message: string;
}

/** See {@link certify}. */
export interface Certificate {
  /** Whether no alarm but `degenerate` was raised. */
  readonly passed: boolean;
  readonly alarms: readonly Alarm[];
  /** `[energy − residual, energy + residual]` holds an eigenvalue, for each level. */
  readonly intervals: readonly (readonly [number, number])[];
  /** |⟨ψ_i|ψ_j⟩|. */
  readonly gram: readonly (readonly number[])[];
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

/** Judges levels, in the order in which they were found, by what a device could measure. */
export function certify(levels: readonly Level[], options: CertifyOptions = {}): Certificate {
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
  return {
    passed: alarms.every(({ kind }) => kind === 'degenerate'),
    alarms,
    intervals: levels.map(({ energy, residual }) => [energy - residual, energy + residual] as const),
    gram,
  };
}
