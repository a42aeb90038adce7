import * as tf from '@tensorflow/tfjs';
import { DataError } from '@ockham/core';
import { describe, expect, it } from 'vitest';
import { compress, decodeCompressed, encodeCompressed } from '../../src/compress/index.ts';
import { encoder, texts } from './models.ts';

describe('a compressed file in the browser', () => {
  it('is written, read and predicts the same, packed in memory', async () => {
    await tf.setBackend('cpu');
    const model = encoder();
    const data = texts(4, 8, 200);
    const { model: small, report } = await compress(
      model,
      { train: data },
      { quantize: { weights: 4, group: 16, activations: 8 }, distill: true, report: false },
    );
    const bytes = await encodeCompressed(small);
    const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
    const fetched = new Uint8Array(await (await fetch(url)).arrayBuffer());
    const again = await decodeCompressed(fetched);
    const x = tf.tensor(data.x.values, [4, 8], 'int32');
    const [a, b] = [small, again].map((each) => (each.predict(x) as tf.Tensor).dataSync());
    expect(b).toEqual(a);
    expect(report.resident.ratio).toBeGreaterThan(3);
    fetched[2000]! ^= 4;
    await expect(decodeCompressed(fetched)).rejects.toBeInstanceOf(DataError);
    x.dispose();
    for (const each of [model, small, again]) each.dispose();
  });
});
