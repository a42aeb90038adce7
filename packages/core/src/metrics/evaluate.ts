import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkSplit, valuesPerExample, type Split } from '../dataset.ts';
import { ArgumentError } from '../errors.ts';
import { lossFunction } from '../training/losses.ts';
import type { Loss } from '../training/types.ts';
import { predictBatches, type PredictOptions } from './predict.ts';

/** Options of {@link evaluate}. */
export interface EvaluateOptions extends PredictOptions {
  /** As in `train`. Default `crossEntropy`: class indexes against probabilities. */
  readonly loss?: Loss;
  /** Also count how often the right class is among the `topK` highest outputs. Default: not counted. */
  readonly topK?: number;
}

/** What {@link evaluate} measures. */
export interface Evaluation {
  /** Fraction of examples whose highest output is the right class, in [0, 1]; NaN for real targets. */
  readonly accuracy: number;
  /** Mean loss over the examples, without regularisation terms. */
  readonly loss: number;
  /** Fraction with the right class among the `topK` highest outputs; only where it was asked for. */
  readonly topK?: number;
  /** How many examples were evaluated. */
  readonly examples: number;
}

/**
 * Accuracy and loss of a model on a split, in inference mode. Leaks nothing.
 *
 * Of equal outputs the lowest index counts as the prediction, as in `argMax`.
 *
 * @param model One input `[batch, ...x.shape]`, one output `[batch, classes]`.
 * @throws ArgumentError for data that does not fit the model or labels outside its outputs.
 * @throws NonFiniteError when an output is NaN or infinite.
 * @throws AbortedError when the signal fires.
 *
 * @example
 * const { accuracy } = await evaluate(model, data.test);
 */
export async function evaluate(
  model: LayersModel,
  split: Split,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { loss = 'crossEntropy', topK, ...run } = options;
  const classified = checkTargets(model, split, loss, topK);
  const lossOf = lossFunction(loss);

  const labels = split.y.values;
  let right = 0;
  let rightInTopK = 0;
  let lossSum = 0;
  for await (const { from, examples, width, values, extra } of predictBatches(
    'evaluate',
    model,
    split,
    run,
    lossOf,
  )) {
    lossSum += extra! * examples;
    for (let i = 0; classified && i < examples; i++) {
      const rank = rankOf(labels[from + i]!, values.subarray(i * width, (i + 1) * width));
      if (rank === 0) right++;
      if (topK !== undefined && rank < topK) rightInTopK++;
    }
  }
  return {
    accuracy: classified ? right / split.size : Number.NaN,
    loss: lossSum / split.size,
    ...(topK === undefined ? {} : { topK: rightInTopK / split.size }),
    examples: split.size,
  };
}

/**
 * The class with the highest output for each example, `[examples]`.
 *
 * @throws As {@link evaluate}.
 */
export async function predictClasses(
  model: LayersModel,
  split: Split,
  options: PredictOptions = {},
): Promise<Int32Array> {
  const classes = new Int32Array(split.size);
  for await (const { from, examples, width, values } of predictBatches(
    'predictClasses',
    model,
    split,
    options,
  )) {
    for (let i = 0; i < examples; i++)
      classes[from + i] = highest(values.subarray(i * width, (i + 1) * width));
  }
  return classes;
}

/** Whether targets are class indexes; refuses a loss that does not go with them. */
function checkTargets(model: LayersModel, split: Split, loss: Loss, topK: number | undefined): boolean {
  const onClasses = loss === 'crossEntropy' || loss === 'crossEntropyFromLogits';
  // with these losses bytes and whole floats are class indexes too, as they are for train
  const labelled = split.y.shape.length === 0 && (onClasses || split.y.values instanceof Int32Array);
  if (onClasses) {
    if (!labelled) {
      throw new ArgumentError(
        `evaluate: ${loss} needs class indexes, one of shape [] for each example, got ${split.y.values.constructor.name} of [${split.y.shape.join(', ')}]. For real targets pass loss: 'meanSquaredError'.`,
      );
    }
  } else if (loss === 'meanSquaredError') {
    const outputs = model.outputs[0]!.shape.slice(1).reduce(
      (product: number, size) => product * (size ?? Number.NaN),
      1,
    );
    if (outputs !== valuesPerExample(split.y) && !Number.isNaN(outputs)) {
      throw new ArgumentError(
        `evaluate: meanSquaredError needs one target for each output, got ${valuesPerExample(split.y)} targets for ${outputs} outputs.`,
      );
    }
  } else if (typeof loss !== 'function') {
    throw new ArgumentError(
      `evaluate: loss must be 'crossEntropy', 'crossEntropyFromLogits', 'meanSquaredError' or a function, got '${String(loss)}'.`,
    );
  }
  const classified = labelled && loss !== 'meanSquaredError';
  if (classified) checkLabels('evaluate', model, split, topK);
  else if (topK !== undefined)
    throw new ArgumentError('evaluate: topK needs class indexes as targets, got real ones.');
  return classified;
}

/** Checks that labels are classes of the model's output, and that `topK` is one of their counts. */
export function checkLabels(who: string, model: LayersModel, split: Split, topK?: number): void {
  const classes = model.outputs[0]?.shape.at(-1) ?? 0;
  if (classes < 2) {
    throw new ArgumentError(
      `${who}: accuracy needs a model with an output for each class, at least two; got ${classes}. For one real output pass loss: 'meanSquaredError'.`,
    );
  }
  checkSplit(who, split, classes);
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1 && topK <= classes)) {
    throw new ArgumentError(`${who}: topK must be an integer in [1, ${classes}], got ${topK}.`);
  }
}

/** How many outputs come before that of `label`: higher ones, and equal ones of a lower index. */
export function rankOf(label: number, outputs: Float32Array): number {
  const own = outputs[label]!;
  let rank = 0;
  for (let c = 0; c < outputs.length; c++) {
    if (outputs[c]! > own || (outputs[c] === own && c < label)) rank++;
  }
  return rank;
}

function highest(outputs: Float32Array): number {
  let best = 0;
  for (let c = 1; c < outputs.length; c++) if (outputs[c]! > outputs[best]!) best = c;
  return best;
}
