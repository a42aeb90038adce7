/**
 * XTC, extreme compression: fewer layers, then ternary or binary weights, in one stage of distillation from the teacher.
 *
 * Paper: section 3.2.6. Source: Wu, Yao, Zhang, Li and He 2022, "Extreme compression for pre-trained transformers made simple and
 * efficient", section 5: lightweight layer reduction, one-stage distillation of outputs, hidden states and attention.
 * Deviations: scales learn (the paper's are those of the weights at each step, here times a trained number); no data
 * augmentation; a table of words is quantised row by row.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, type Split } from '@ockham/core';
import { cloneModel } from '@ockham/core/models';
import type { TrainOptions, TrainResult } from '@ockham/core/training';
import type { ActivationGrid } from '../activation-grid.ts';
import type { Grid } from '../grid.ts';
import { reduceLayers } from '../reduction/reduce-layers.ts';
import type { TeacherOptions } from './distil.ts';
import type { GridRule, QuantizedWeight } from './quantized-forward.ts';
import { trainQuantized } from './train-quantized.ts';

/** Options of {@link compressExtremely}: those of `train` beside its own. */
export interface ExtremeOptions extends TrainOptions {
  /** Default `ternary`; or a rule of one's own. */
  readonly weights?: 'ternary' | 'binary' | GridRule;
  /** What shares a scale. Default `channel`: an output, or a row of a table. Not for a rule. */
  readonly granularity?: Grid['granularity'];
  /** Default: 8 bits, token by token, as in the paper. False: float32. */
  readonly activations?: ActivationGrid | false;
  /** Numbers of the teacher's layers that stay. Default all. */
  readonly keep?: readonly number[];
  /** What is learned from the teacher. Default its outputs at T = 1, hidden states and attention, each with weight 1. */
  readonly distill?: Omit<TeacherOptions, 'teacher'>;
}

/** What {@link compressExtremely} made. */
export interface ExtremeResult extends TrainResult {
  /** Owned by the caller; its weights lie on their grids. */
  readonly model: LayersModel;
  /** One entry for each matrix on its grid. */
  readonly layers: readonly QuantizedWeight[];
  /** Numbers of the layers that are gone. */
  readonly removedLayers: readonly number[];
}

/**
 * Compresses a trained model to one or one and a half bits for each weight.
 *
 * @param teacher Not changed. Our BERT or GPT; without attention and hidden states of those names, set `distill`.
 * @throws ArgumentError for options out of range; else as `reduceLayers`, `learnFrom` and `train`.
 *
 * @example
 * const { model: small } = await compressExtremely(teacher, data.train, { epochs: 3, weights: 'binary', keep: [1, 3] });
 */
export async function compressExtremely(
  teacher: LayersModel,
  data: Split,
  options: ExtremeOptions,
): Promise<ExtremeResult> {
  const { weights = 'ternary', granularity = 'channel', activations, keep, distill, ...training } = options;
  if (typeof weights !== 'function' && weights !== 'ternary' && weights !== 'binary')
    throw new ArgumentError(`compressExtremely: weights must be ternary, binary or a rule, got ${String(weights)}.`); // prettier-ignore
  const reduced = keep && (await reduceLayers(teacher, { keep }));
  const model = reduced?.model ?? (await cloneModel(teacher));
  try {
    const { layers, ...result } = await trainQuantized(model, data, {
      ...training,
      weights: typeof weights === 'function' ? weights : { bits: weights, granularity },
      ...(activations !== false && { activations: activations ?? { kind: 'dynamic', bits: 8 } }),
      learnedScales: true,
      distill: { teacher, ...(distill ?? { hidden: 1, attention: 1 }) },
    });
    return { ...result, model, layers, removedLayers: reduced?.removedLayers ?? [] };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
