/** Hand-made nets and random weights for the tests of the graph room. */
import * as tf from '@tensorflow/tfjs';
import { Random } from '@ockham/core/random';

type Layer = tf.LayersModel['layers'][number];

export function isModel(layer: Layer | tf.LayersModel): layer is tf.LayersModel {
  return Array.isArray((layer as tf.LayersModel).layers);
}

export function flatLayers(model: tf.LayersModel): Layer[] {
  return model.layers.flatMap((layer) => (isModel(layer) ? flatLayers(layer) : [layer]));
}

export function lastName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** Gives every weight random values, batch-norm statistics included, so that no channel is zero by accident. */
export function randomise<T extends tf.LayersModel>(model: T, seed = 1): T {
  const random = new Random(seed);
  for (const layer of flatLayers(model)) {
    tf.tidy(() =>
      layer.setWeights(
        layer.weights.map(({ shape, originalName }) => {
          const size = tf.util.sizeFromShape(shape as number[]);
          const scale = 1 / Math.sqrt(Math.max(1, size / ((shape.at(-1) as number) || 1)));
          const values = Float32Array.from({ length: size }, () =>
            lastName(originalName) === 'moving_variance'
              ? random.uniform(0.5, 2)
              : random.normal(0, Math.max(scale, 0.3)),
          );
          return tf.tensor(values, shape as number[]);
        }),
      ),
    );
  }
  return model;
}

/** Random inputs of a model; integers below `vocabulary` where given. */
export function inputsOf(model: tf.LayersModel, seed = 2, vocabulary = 0): tf.Tensor[] {
  const random = new Random(seed);
  return model.inputs.map(({ shape }) => {
    const full = [2, ...shape.slice(1)] as number[];
    const draw = () => (vocabulary > 0 ? random.integer(vocabulary) : random.normal());
    return tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(full) }, draw), full);
  });
}

/** Outputs as plain numbers. */
export function outputsOf(model: tf.LayersModel, inputs: tf.Tensor[]): number[][] {
  return tf.tidy(() => {
    const outputs = model.predict(inputs.length === 1 ? inputs[0]! : inputs);
    return [outputs].flat().map((output) => [...output.dataSync()]);
  });
}

/** Largest |a − b| relative to max(1, |a|). */
export function difference(a: number[][], b: number[][]): number {
  const errors = a.flatMap((values, i) => {
    if (values.length !== b[i]!.length) return [Infinity];
    return values.map((value, j) => Math.abs(value - b[i]![j]!) / Math.max(1, Math.abs(value)));
  });
  return errors.includes(NaN) ? Infinity : Math.max(...errors);
}

/** Sets `indexes` of the last axis to zero in the named weights of a layer: the classical filter mask. */
export function zeroChannels(model: tf.LayersModel, layerName: string, indexes: readonly number[]): void {
  const layer = flatLayers(model).find(({ name }) => name === layerName)!;
  const masked = layer.weights.map((weight) => {
    const values = weight.read().arraySync() as unknown;
    if (/moving/.test(weight.originalName)) return tf.tensor(values as number[]);
    const clear = (nested: unknown): unknown =>
      Array.isArray(nested) && typeof nested[0] === 'number'
        ? nested.map((v: number, i) => (indexes.includes(i) ? 0 : v))
        : (nested as unknown[]).map(clear);
    return tf.tensor(clear(values) as number[], weight.shape as number[]);
  });
  layer.setWeights(masked);
  tf.dispose(masked);
}

/** conv → bn → relu → pool → flatten → dense. */
export function chain(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ name: 'conv', inputShape: [6, 6, 2], filters: 5, kernelSize: 3 }),
      tf.layers.batchNormalization({ name: 'bn' }),
      tf.layers.reLU({ name: 'relu' }),
      tf.layers.maxPooling2d({ name: 'pool', poolSize: 2 }),
      tf.layers.flatten({ name: 'flatten' }),
      tf.layers.dense({ name: 'hidden', units: 7, activation: 'tanh' }),
      tf.layers.dense({ name: 'out', units: 3, activation: 'softmax' }),
    ],
  });
  return randomise(model);
}

/** A custom layer that puts zero channels on both sides, as the option-A shortcut does. */
export class PadSides extends tf.layers.Layer {
  static className = 'PadSides';
  readonly before: number;
  readonly after: number;

  constructor(args: { name?: string; before: number; after: number }) {
    super(args);
    this.before = args.before;
    this.after = args.after;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = [inputs].flat()[0] as tf.Tensor4D;
    return tf.tidy(() => tf.pad(x, [[0, 0], [0, 0], [0, 0], [this.before, this.after]])); // prettier-ignore
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return [...shape.slice(0, -1), shape.at(-1)! + this.before + this.after];
  }

  channelMapping(inputChannels: number): number[] {
    const zeros = (count: number) => Array.from({ length: count }, () => -1);
    return [
      ...zeros(this.before),
      ...Array.from({ length: inputChannels }, (_, i) => i),
      ...zeros(this.after),
    ];
  }

  configForMapping(mapping: readonly number[]): tf.serialization.ConfigDict {
    const before = mapping.findIndex((from) => from >= 0);
    const after = mapping.length - 1 - mapping.findLastIndex((from) => from >= 0);
    return { before, after };
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), before: this.before, after: this.after };
  }
}
tf.serialization.registerClass(PadSides);

/** Two stages of residual blocks, the second twice as wide behind an option-A shortcut. */
export function residualNet(): tf.LayersModel {
  const conv = (name: string, filters: number, x: tf.SymbolicTensor, strides = 1) =>
    tf.layers
      .batchNormalization({ name: `${name}_bn` })
      .apply(
        tf.layers.conv2d({ name, filters, kernelSize: 3, padding: 'same', strides, useBias: false }).apply(x),
      ) as tf.SymbolicTensor;
  const relu = (name: string, x: tf.SymbolicTensor) => tf.layers.reLU({ name }).apply(x) as tf.SymbolicTensor;
  const block = (
    name: string,
    x: tf.SymbolicTensor,
    filters: number,
    shortcut: tf.SymbolicTensor,
    strides = 1,
  ) => {
    const body = conv(`${name}b`, filters, relu(`${name}a_relu`, conv(`${name}a`, filters, x, strides)));
    return relu(
      `${name}_relu`,
      tf.layers.add({ name: `${name}_add` }).apply([body, shortcut]) as tf.SymbolicTensor,
    );
  };
  const input = tf.input({ shape: [6, 6, 3], name: 'image' });
  let x = relu('stem_relu', conv('stem', 4, input));
  x = block('one', x, 4, x);
  x = block('two', x, 4, x);
  const small = tf.layers.averagePooling2d({ name: 'subsample', poolSize: 1, strides: 2 }).apply(x);
  const pad = new PadSides({ name: 'pad', before: 2, after: 2 }).apply(small) as tf.SymbolicTensor;
  x = block('three', x, 8, pad, 2);
  x = block('four', x, 8, x);
  const pooled = tf.layers.globalAveragePooling2d({ name: 'gap' }).apply(x);
  const output = tf.layers.dense({ name: 'out', units: 3 }).apply(pooled) as tf.SymbolicTensor;
  return randomise(tf.model({ inputs: input, outputs: output }));
}
