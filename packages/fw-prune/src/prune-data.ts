import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, UnsupportedModelError, checkSplit, type Dataset, type Split } from '@ockham/core';
import type { Loss } from '@ockham/core/training';

/** Data for pruning: a `Dataset`, or splits of your own. */
export type PruneData = Dataset | { readonly train: Split; readonly test?: Split };

/**
 * Checks at the door that the splits fit the model.
 *
 * @throws UnsupportedModelError for a model of several inputs or outputs, ArgumentError for data that does not fit.
 */
export function checkPruneData(
  who: string,
  model: LayersModel,
  data: PruneData,
  loss: Loss = 'crossEntropy',
): void {
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new UnsupportedModelError(
      `${who}: the model must have one input and one output, got ${model.inputs.length} and ${model.outputs.length}.`,
    );
  }
  const expected = model.inputs[0]!.shape.slice(1);
  const labels = loss === 'crossEntropy' || loss === 'crossEntropyFromLogits';
  const classes = labels ? (model.outputs[0]!.shape.at(-1) ?? undefined) : undefined;
  for (const [name, split] of [
    ['train', data.train],
    ['test', data.test],
  ] as const) {
    if (!split) continue;
    const { shape } = split.x;
    if (expected.length !== shape.length || expected.some((d, i) => d !== null && d !== shape[i])) {
      throw new ArgumentError(
        `${who}: the model takes inputs of [${expected.join(', ')}], the ${name} split has [${shape.join(', ')}]. Reshape the split's column.`,
      );
    }
    checkSplit(`${who} (${name} split)`, split, classes, model.outputs[0]!.shape.slice(1, -1));
  }
}
