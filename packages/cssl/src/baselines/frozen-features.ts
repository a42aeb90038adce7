import { ArgumentError, valuesPerExample, type Split } from '@ockham/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Example, ImageShape } from '../image.ts';
import { checkExamples } from '../learner/images.ts';
import { outputsInBatches } from './classifier.ts';
import { cutModel } from './cut-model.ts';

/** What a model gives before its last dense layer, for methods that never train it. */
export class FrozenFeatures {
  readonly width: number;
  readonly shape: ImageShape;
  readonly #who: string;
  readonly #lower: LayersModel;
  readonly #upper: LayersModel;

  /** @param model Its variables are read, not changed, and stay the caller's. */
  constructor(who: string, model: LayersModel) {
    const { lower, upper, shape } = cutModel(who, model);
    if (shape.length !== 1) {
      upper.dispose();
      throw new ArgumentError(
        `${who}: features must be one vector for each example, ${model.name} gives [${shape.join(', ')}]. Flatten or pool them before the last dense layer.`,
      );
    }
    this.#who = who;
    this.#lower = lower;
    this.#upper = upper;
    this.width = shape[0]!;
    this.shape = inputShapeOf(who, model);
  }

  /** What reads the features: the last dense layer. */
  get upper(): LayersModel {
    return this.#upper;
  }

  dispose(): void {
    this.#upper.dispose();
  }

  /** `[size, width]` */
  of(inputs: Split): Promise<Float32Array> {
    return outputsInBatches(this.#lower, inputs);
  }

  /** Features `[n, width]` and labels `[n]` of new examples. */
  async ofExamples(
    examples: Example | readonly Example[],
  ): Promise<{ features: Float32Array; labels: readonly number[] }> {
    const { split, labels } = examplesToSplit(this.#who, examples, this.shape);
    return { features: await this.of(split), labels };
  }
}

/** The image shape that a model takes. @throws ArgumentError where it takes something else. */
export function inputShapeOf(who: string, model: LayersModel): ImageShape {
  const shape = model.inputs[0]!.shape.slice(1);
  if (shape.length === 3 && shape.every((size) => size !== null)) return shape as unknown as ImageShape;
  throw new ArgumentError(
    `${who}: the model must take images [height, width, channels], got [${shape.map((size) => size ?? '?').join(', ')}].`,
  );
}

/** Checked examples as a split of bytes, as the buffer keeps them. */
export function examplesToSplit(
  who: string,
  examples: Example | readonly Example[],
  shape: ImageShape,
): { split: Split; labels: readonly number[] } {
  const checked = checkExamples(who, examples, shape);
  const width = valuesPerExample({ values: new Uint8Array(), shape });
  const values = new Uint8Array(checked.length * width);
  for (const [i, { pixels }] of checked.entries()) values.set(pixels, i * width);
  const labels = checked.map(({ label }) => label);
  return {
    split: {
      size: checked.length,
      x: { values, shape, scale: 1 / 255 },
      y: { values: Int32Array.from(labels), shape: [] },
    },
    labels,
  };
}
