import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkSplit, type Split } from '../dataset.ts';
import { ArgumentError } from '../errors.ts';
import { checkSingleInputAndOutput } from '../models/check-model.ts';
import type { Loss } from './types.ts';

/** What {@link checkFit} checks beyond inputs. */
export interface FitOptions {
  /** Checks the labels of losses on class indexes against the model's output. Default: only that `y` is well-formed. */
  readonly loss?: Loss;
  /** How the message calls the split. Default `data`. */
  readonly name?: string;
}

/**
 * Checks at the door that a split fits a model.
 *
 * @throws UnsupportedModelError for several inputs or outputs, ArgumentError for data that does not fit or is damaged.
 */
export function checkFit(who: string, model: LayersModel, split: Split, options: FitOptions = {}): void {
  const { loss, name = 'data' } = options;
  checkSingleInputAndOutput(who, model);
  const wanted = model.inputs[0]!.shape.slice(1);
  const given = split.x.shape;
  if (wanted.length !== given.length || wanted.some((size, i) => size !== null && size !== given[i])) {
    throw new ArgumentError(
      `${who}: the model takes inputs of [${wanted.map((size) => size ?? '?').join(', ')}], the ${name} has [${given.join(', ')}]. Reshape the column \`x\`.`,
    );
  }
  const output = model.outputs[0]!.shape;
  const labels = loss === 'crossEntropy' || loss === 'crossEntropyFromLogits';
  const what = name === 'data' ? who : `${who} (${name})`;
  checkSplit(what, split, labels ? (output.at(-1) ?? undefined) : undefined, loss && output.slice(1, -1));
}
