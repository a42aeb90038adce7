import {
  conv2d,
  gather,
  matMul,
  reshape,
  stack,
  tidy,
  transpose,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { model as functionalModel, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { UnsupportedModelError, throwIfAborted, type Split } from '@ockham/core';
import { batchRange } from '@ockham/core/training';
import type { ChannelRead } from './channel-reads.ts';

/**
 * Inner products of what each channel contributes to the layers that read it: entry `(c, d)` of the `[C, C]` result is
 * Σ ⟨contribution of c, contribution of d⟩ over all examples, positions and readers. A layer's output before its activation
 * is the sum of its inputs' contributions and the bias.
 *
 * @throws UnsupportedModelError for a reader that is neither Dense nor Conv2D, or is used more than once.
 */
export async function channelGram(
  who: string,
  model: LayersModel,
  reads: readonly ChannelRead[],
  data: Split,
  { batchSize = 32, signal }: { batchSize?: number; signal?: AbortSignal | undefined } = {},
): Promise<Float64Array> {
  const channels = reads[0]!.positions.length;
  const gram = new Float64Array(channels * channels);
  for (const read of reads) {
    checkReader(who, read);
    const inputs = functionalModel({ inputs: model.inputs, outputs: inputOf(who, read) });
    for (let from = 0; from < data.size; from += batchSize) {
      throwIfAborted(signal, who);
      const part = tidy(() => {
        const { x } = batchRange(data, from, Math.min(from + batchSize, data.size));
        const rows = contributions(inputs.apply(x, { training: false }) as Tensor, read); // [C, everything else]
        return matMul(rows, rows, false, true);
      });
      const values = await part.data();
      part.dispose();
      for (let i = 0; i < gram.length; i++) gram[i]! += values[i]!;
    }
  }
  return gram;
}

function contributions(input: Tensor, { layer, variable, axis, positions }: ChannelRead): Tensor2D {
  const channels = positions.length;
  if (layer.getClassName() === 'Dense') {
    const each = positions[0]!.length;
    const places = positions.flat();
    const features = input.shape.at(-1)!;
    const units = variable.shape[1]!;
    const taken = gather(reshape(input, [-1, features]), places, 1); // [b, C·each]
    const a = transpose(reshape(taken, [-1, channels, each]), [1, 0, 2]); // [C, b, each]
    const w = reshape(gather(variable, places, 0), [channels, each, units]);
    return reshape(matMul(a, w), [channels, -1]);
  }
  const { strides, padding, dilationRate } = layer.getConfig() as {
    strides: [number, number];
    padding: 'same' | 'valid';
    dilationRate: [number, number];
  };
  const each = positions.map((places) =>
    conv2d(
      gather(input, [...places], 3) as Tensor4D,
      gather(variable, [...places], axis) as Tensor4D,
      strides,
      padding,
      'NHWC',
      dilationRate,
    ),
  );
  return reshape(stack(each), [channels, -1]);
}

function checkReader(who: string, { layer, positions }: ChannelRead): void {
  const kind = layer.getClassName();
  const even = positions.every((places) => places.length === positions[0]!.length);
  if ((kind === 'Dense' && even) || kind === 'Conv2D') return;
  throw new UnsupportedModelError(
    `${who}: the reconstruction criterion needs Dense or Conv2D readers, got ${layer.name} (${kind}). Use criterion: 'loss'.`,
  );
}

function inputOf(who: string, { layer }: ChannelRead): SymbolicTensor {
  if (layer.inboundNodes.length !== 1 || Array.isArray(layer.input)) {
    throw new UnsupportedModelError(
      `${who}: the layer ${layer.name} is used more than once. Use criterion: 'loss'.`,
    );
  }
  return layer.input;
}
