/** What a forward pass in training mode changes beside the gradient: the statistics of batch normalisation. */
import { flatLayers, variableOf, type Layer } from '@ockham/core/training';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** The moving averages of a model. */
export class MovingAverages {
  readonly #norms: Layer[];
  readonly #averages: Variable[];

  constructor(trunk: LayersModel) {
    const layers = [...new Set(flatLayers(trunk))];
    this.#norms = layers.filter((layer) => layer.getClassName() === 'BatchNormalization');
    this.#averages = [
      ...new Set(layers.flatMap((layer) => layer.weights.filter((w) => !w.trainable).map(variableOf))),
    ];
  }

  /** Every layer of batch normalisation. */
  get norms(): readonly Layer[] {
    return this.#norms;
  }

  /** What they are now, at the price of references; ends with `putBack` or `release`. */
  mark(): { putBack(): void; release(): void } {
    const former: Tensor[] = this.#averages.map((average) => average.clone());
    const release = () => {
      for (const value of former.splice(0)) value.dispose();
    };
    return {
      putBack: () => {
        for (const [i, value] of former.entries()) this.#averages[i]!.assign(value);
        release();
      },
      release,
    };
  }

  /** Does `work` in training mode and leaves them as they were. */
  hold<T>(work: () => T): T {
    const mark = this.mark();
    try {
      return work();
    } finally {
      mark.putBack();
    }
  }
}

/** Does `work` while these layers normalise by their moving averages, as in inference, and do not change them. */
export function withFrozenNorms<T>(norms: readonly Layer[], work: () => T): T {
  type Call = (inputs: unknown, kwargs: Readonly<Record<string, unknown>>) => unknown;
  const callable = norms as unknown as { call?: Call }[];
  for (const norm of callable) {
    const call = norm.call!.bind(norm);
    norm.call = (inputs, kwargs) => call(inputs, { ...kwargs, training: false });
  }
  try {
    return work();
  } finally {
    for (const norm of callable) delete norm.call; // the class's own again
  }
}
