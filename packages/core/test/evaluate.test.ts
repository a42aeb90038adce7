import { memory, tensor, type Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Split } from '@ockham/core';
import { confusion, evaluate, predictClasses } from '@ockham/core/metrics';
import { mlp } from '@ockham/core/models';
import { variableOf } from '@ockham/core/training';

const made: tf.LayersModel[] = [];
const keep = (model: tf.LayersModel): tf.LayersModel => (made.push(model), model);
afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
});

/** A model that returns its input: outputs can be written by hand. */
function passThrough(width: number): tf.LayersModel {
  return keep(
    tf.sequential({ layers: [tf.layers.activation({ activation: 'linear', inputShape: [width] })] }),
  );
}

function splitOf(rows: number[][], labels: number[]): Split {
  return {
    size: rows.length,
    x: { values: Float32Array.from(rows.flat()), shape: [rows[0]!.length] },
    y: { values: Int32Array.from(labels), shape: [] },
  };
}

const byHand = splitOf(
  [
    [0.5, 0.25, 0.25],
    [0.25, 0.25, 0.5],
    [0.125, 0.75, 0.125],
    [0.25, 0.5, 0.25],
  ],
  [0, 1, 1, 2],
);

describe('evaluate', () => {
  it('gives accuracy, cross entropy and top-k worked by hand', async () => {
    const result = await evaluate(passThrough(3), byHand, { topK: 2 });
    expect(result.accuracy).toBe(2 / 4);
    expect(result.loss).toBeCloseTo(
      -(Math.log(0.5) + Math.log(0.25) + Math.log(0.75) + Math.log(0.25)) / 4,
      6,
    );
    // row 1: classes 0 and 1 are equal, the lower index goes first, so class 1 is third; row 3 likewise
    expect(result.topK).toBe(2 / 4);
    expect(result.examples).toBe(4);
  });

  it('takes class indexes as bytes or whole floats too, as train does', async () => {
    const whole = await evaluate(passThrough(3), byHand);
    for (const values of [Uint8Array.of(0, 1, 1, 2), Float32Array.of(0, 1, 1, 2)]) {
      const split = { ...byHand, y: { values, shape: [] } };
      expect(await evaluate(passThrough(3), split)).toEqual(whole);
    }
  });

  it('gives the same for every batch size, a last batch of one included', async () => {
    const model = passThrough(3);
    const whole = await evaluate(model, byHand, { topK: 2 });
    for (const batchSize of [1, 2, 3, 4, 5]) {
      const parts = await evaluate(model, byHand, { topK: 2, batchSize });
      expect(parts).toEqual({ ...whole, loss: expect.closeTo(whole.loss, 6) });
    }
  });

  it('agrees with TensorFlow.js on a network', async () => {
    const model = keep(mlp({ inputShape: [5], units: [7], classes: 4, seed: 3 }));
    const x = tf.randomNormal([33, 5], 0, 1, 'float32', 4);
    const labels = Int32Array.from({ length: 33 }, (_, i) => (i * 7) % 4);
    const y = tf.oneHot(tensor(labels, [33], 'int32'), 4);
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    const [loss, accuracy] = (model.evaluate(x, y) as Tensor[]).map((t) => t.dataSync()[0]!);
    const split: Split = {
      size: 33,
      x: { values: Float32Array.from(x.dataSync()), shape: [5] },
      y: { values: labels, shape: [] },
    };
    const ours = await evaluate(model, split, { batchSize: 8 });
    expect(ours.loss).toBeCloseTo(loss!, 5);
    expect(ours.accuracy).toBeCloseTo(accuracy!, 6);
    tf.dispose([x, y]);
  });

  it('scales byte inputs as the column says', async () => {
    const split: Split = {
      size: 2,
      x: { values: Uint8Array.of(255, 0, 51, 204), shape: [2], scale: 1 / 255 },
      y: { values: Int32Array.of(0, 1), shape: [] },
    };
    expect((await evaluate(passThrough(2), split)).loss).toBeCloseTo(-Math.log(0.8) / 2, 5);
  });

  it('takes logits, real targets and a loss of one’s own', async () => {
    const model = passThrough(3);
    const logits = await evaluate(model, splitOf([[0, 0, 0]], [2]), { loss: 'crossEntropyFromLogits' });
    expect(logits.loss).toBeCloseTo(Math.log(3), 6);
    const real: Split = { ...byHand, y: { values: new Float32Array(12), shape: [3] } };
    const regression = await evaluate(model, real, { loss: 'meanSquaredError', batchSize: 3 });
    expect(regression.accuracy).toBeNaN();
    expect(regression.loss).toBeCloseTo([...byHand.x.values].reduce((a, v) => a + v * v, 0) / 12, 6);
    const own = await evaluate(model, byHand, { loss: (_, prediction) => tf.max(prediction) });
    expect(own).toMatchObject({ loss: 0.75, accuracy: 0.5 });
  });

  it('runs in inference mode: dropout is off', async () => {
    const model = keep(tf.sequential({ layers: [tf.layers.dropout({ rate: 0.9, inputShape: [3] })] }));
    expect((await evaluate(model, byHand)).loss).toBe((await evaluate(passThrough(3), byHand)).loss);
  });

  it('leaks no tensor, neither at the end nor when it throws', async () => {
    const model = passThrough(3);
    const bad = splitOf([[0, 1, 0]], [1]);
    const infinite = keep(mlp({ inputShape: [3], units: [], classes: 3 }));
    variableOf(infinite.weights[0]!).assign(tf.fill([3, 3], Number.NaN));
    const before = memory().numTensors;
    await evaluate(model, byHand, { batchSize: 3 });
    await expect(evaluate(infinite, bad)).rejects.toThrow(/output is NaN for example 0/);
    await expect(
      evaluate(model, byHand, {
        loss: () => {
          throw new Error('own');
        },
      }),
    ).rejects.toThrow('own');
    expect(memory().numTensors).toBe(before);
  });

  it('stops when the signal fires', async () => {
    await expect(evaluate(passThrough(3), byHand, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  it.each([
    [
      'labels out of range',
      { y: { values: Int32Array.of(0, 1, 3, 2), shape: [] } },
      {},
      /integers in \[0, 2\].*got 3 in example 2/,
    ],
    [
      'NaN inputs',
      { x: { values: new Float32Array(12).fill(Number.NaN), shape: [3] } },
      {},
      /x must be finite, got NaN/,
    ],
    ['an empty split', { size: 0 }, {}, /at least one example, got 0/],
    [
      'another input shape',
      { x: { values: new Float32Array(16), shape: [4] } },
      {},
      /takes inputs of \[3\], the data has \[4\]/,
    ],
    [
      'real targets with cross entropy',
      { y: { values: new Float32Array(4).fill(0.5), shape: [] } },
      {},
      /labels must be integers in \[0, 2\].* got 0\.5/,
    ],
    [
      'a column of labels',
      { y: { values: new Int32Array(4), shape: [1] } },
      {},
      /needs class indexes, one of shape \[\]/,
    ],
    ['a target width that does not fit', {}, { loss: 'meanSquaredError' }, /got 1 targets for 3 outputs/],
    ['an unknown loss', {}, { loss: 'hinge' as never }, /loss must be .* got 'hinge'/],
    ['topK beyond the classes', {}, { topK: 4 }, /topK must be an integer in \[1, 3\], got 4/],
    ['a batch size of 0', {}, { batchSize: 0 }, /batchSize must be an integer ≥ 1, got 0/],
  ] as const)('refuses %s', async (_, change, options, message) => {
    await expect(evaluate(passThrough(3), { ...byHand, ...change }, options)).rejects.toThrow(message);
  });

  it('refuses a model with one output, two outputs, or none left', async () => {
    await expect(evaluate(passThrough(1), splitOf([[1]], [0]))).rejects.toThrow(/output for each class/);
    const input = tf.input({ shape: [3] });
    const two = keep(
      tf.model({ inputs: input, outputs: [input, tf.layers.reLU().apply(input) as tf.SymbolicTensor] }),
    );
    await expect(evaluate(two, byHand)).rejects.toMatchObject({ code: 'unsupported-model' });
    const gone = mlp({ inputShape: [3], units: [], classes: 3 });
    gone.dispose();
    await expect(evaluate(gone, byHand)).rejects.toThrow(/disposed/);
  });
});

describe('predictClasses and confusion', () => {
  it('count worked by hand', async () => {
    expect([...(await predictClasses(passThrough(3), byHand, { batchSize: 3 }))]).toEqual([0, 2, 1, 1]);
    const result = await confusion(passThrough(3), byHand);
    expect(result.counts).toEqual([[1, 0, 0], [0, 1, 1], [0, 1, 0]]); // prettier-ignore
    expect(result).toMatchObject({ accuracy: 0.5, recall: [1, 0.5, 0], precision: [1, 0.5, 0] });
  });

  it('show a collapsed model as one column, with NaN where nothing was predicted', async () => {
    const collapsed = splitOf([[1, 0], [1, 0]], [0, 1]); // prettier-ignore
    const result = await confusion(passThrough(2), collapsed);
    expect(result.counts).toEqual([[1, 0], [1, 0]]); // prettier-ignore
    expect(result.precision).toEqual([0.5, Number.NaN]);
  });
});
