import {
  io,
  loadLayersModel,
  layers,
  memory,
  model as functional,
  sequential,
  input,
  train as optimizers,
} from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloneModel } from '@ockham/core/models';
import { meanGradients } from '@ockham/core/training';
import { Masks, masksOf, prunableWeights, trainPruned } from '@ockham/fw-prune';
import { clusters, kernelsOf, network, setValues } from './fixtures/clusters.ts';

/** Masks that leave every third weight of `network()`. */
function everyThird(model: ReturnType<typeof network>): Masks {
  const bits = prunableWeights(model).map(({ size }) =>
    Uint8Array.from({ length: size }, (_, i) => Number(i % 3 === 0)),
  );
  return new Masks(model, bits);
}

describe('prunableWeights', () => {
  it('finds the kernels of every kind of layer and leaves biases and normalisation alone', () => {
    const nested = sequential({ layers: [layers.dense({ name: 'inner', inputShape: [6], units: 3 })] });
    const image = input({ shape: [8, 8, 2] });
    const layer = (l: { apply(x: typeof image): unknown }, of: typeof image) => l.apply(of) as typeof image;
    let x = layer(layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3 }), image);
    x = layer(layers.batchNormalization({ name: 'norm' }), x);
    x = layer(layers.depthwiseConv2d({ name: 'depthwise', kernelSize: 3 }), x);
    x = layer(layers.separableConv2d({ name: 'separable', filters: 6, kernelSize: 3 }), x);
    x = layer(layers.globalAveragePooling2d({}), x);
    const model = functional({ inputs: image, outputs: nested.apply(x) as typeof image });
    expect(prunableWeights(model).map(({ name, shape }) => [name, shape.join('×')])).toEqual([
      ['conv/kernel', '3×3×2×4'],
      ['depthwise/depthwise_kernel', '3×3×4×1'],
      ['separable/depthwise_kernel', '3×3×4×1'],
      ['separable/pointwise_kernel', '1×1×4×6'],
      ['inner/kernel', '6×3'],
    ]);
    const text = sequential({
      layers: [
        layers.embedding({ name: 'table', inputDim: 5, outputDim: 3, inputLength: 4 }),
        layers.gru({ name: 'gru', units: 2 }),
      ],
    });
    expect(prunableWeights(text).map(({ name }) => name)).toEqual([
      'table/embeddings',
      'gru/kernel',
      'gru/recurrent_kernel',
    ]);
  });

  it('counts a layer that is used twice once', () => {
    const shared = layers.dense({ name: 'shared', units: 4 });
    const x = input({ shape: [4] });
    const twice = shared.apply(shared.apply(x)) as typeof x;
    expect(prunableWeights(functional({ inputs: x, outputs: twice }))).toHaveLength(1);
  });
});

describe('Masks', () => {
  it('counts what it keeps and sets the rest to +0', async () => {
    const model = network();
    const before = await kernelsOf(model);
    const masks = everyThird(model);
    masks.apply();
    expect(masks.weights.map(({ name, size, kept }) => [name, size, kept])).toEqual([
      ['first/kernel', 16, 6],
      ['second/kernel', 32, 11],
      ['last/kernel', 8, 3],
    ]);
    expect([masks.size, masks.kept, masks.sparsity]).toEqual([56, 20, 1 - 20 / 56]);
    const expected = before.map((kernel) => kernel.map((w, i) => (i % 3 === 0 ? w : 0)));
    const after = await kernelsOf(model);
    expect(after).toEqual(expected); // toEqual tells −0 from +0
    masks.dispose();
  });

  it.each(['sgd', 'momentum', 'adam'] as const)(
    'holds the zeros through 50 steps of %s, and its moments for them stay zero',
    async (name) => {
      const model = network();
      const masks = everyThird(model);
      masks.apply();
      const start = await kernelsOf(model);
      const optimizer = {
        sgd: () => optimizers.sgd(0.1),
        momentum: () => optimizers.momentum(0.1, 0.9),
        adam: () => optimizers.adam(0.05),
      }[name]();
      const { steps } = await trainPruned(model, clusters(), masks, { epochs: 10, batchSize: 10, optimizer });
      expect(steps).toBe(50);
      const end = await kernelsOf(model);
      for (const [k, kernel] of end.entries()) {
        expect(kernel.every((w, i) => i % 3 === 0 || Object.is(w, 0))).toBe(true);
        expect(kernel).not.toEqual(start[k]);
      }
      const moments = (await optimizer.getWeights()).filter(({ name: slot }) => /kernel/.test(slot));
      expect(moments.length).toBe({ sgd: 0, momentum: 3, adam: 6 }[name]);
      for (const { tensor } of moments) {
        const values = await tensor.data();
        expect(values.every((value, i) => i % 3 === 0 || value === 0)).toBe(true);
        expect(values.some((value) => value !== 0)).toBe(true);
      }
      optimizer.dispose();
      masks.dispose();
    },
  );

  it('runs a constraint of the caller before its own', async () => {
    const model = network();
    const masks = everyThird(model);
    masks.apply();
    const ones = (await kernelsOf(model)).map((kernel) => kernel.map(() => 1));
    const constraint = {
      apply: () => prunableWeights(model).forEach(({ variable }, i) => setValues(variable, ones[i]!)),
    };
    await trainPruned(model, clusters(), masks, { epochs: 1, constraint });
    expect(await kernelsOf(model)).toEqual(ones.map((kernel) => kernel.map((_, i) => Number(i % 3 === 0))));
    masks.dispose();
  });

  it('masks gradients and leaves those of biases alone', () => {
    const model = network();
    const masks = everyThird(model);
    const gradients = meanGradients(model, clusters());
    const limited = masks.constraint().gradients!(gradients);
    expect(Object.keys(limited)).toEqual(Object.keys(gradients));
    for (const { variable } of prunableWeights(model)) {
      const [all, some] = [gradients[variable.name]!.dataSync(), limited[variable.name]!.dataSync()];
      expect([...some]).toEqual([...all].map((g, i) => (i % 3 === 0 ? g : g * 0)));
    }
    expect(Object.keys(limited).filter((name) => limited[name] === gradients[name])).toHaveLength(3);
    for (const name of Object.keys(gradients)) {
      if (limited[name] !== gradients[name]) limited[name]!.dispose();
      gradients[name]!.dispose();
    }
    masks.dispose();
  });

  it('comes back from a snapshot, a bit per weight, whatever the bits', () => {
    const model = network();
    const bitsOf = (size: number) =>
      fc.array(fc.integer({ min: 0, max: 1 }), { minLength: size, maxLength: size });
    fc.assert(
      fc.property(bitsOf(16), bitsOf(32), bitsOf(8), (...bits) => {
        const masks = new Masks(
          model,
          bits.map((b) => Uint8Array.from(b)),
        );
        const snapshot = masks.toSnapshot();
        expect(Object.values(snapshot.arrays).map((a) => a.length)).toEqual([2, 4, 1]);
        const again = Masks.fromSnapshot(
          model,
          JSON.parse(JSON.stringify(snapshot, plainArrays), typedArrays),
        );
        expect(again.allBits()).toEqual(bits.map((b) => Uint8Array.from(b)));
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  it('is recovered from the zeros of a model that was saved and loaded', async () => {
    const model = network();
    const masks = everyThird(model);
    masks.apply();
    let saved!: io.ModelArtifacts;
    await model.save(
      io.withSaveHandler(
        async (artifacts) => (
          (saved = artifacts),
          { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
        ),
      ),
    );
    const loaded = await loadLayersModel(io.fromMemory(saved));
    const recovered = await masksOf(loaded);
    expect(recovered.allBits()).toEqual(masks.allBits());
    masks.dispose();
  });

  it('moves to a clone and leaves the original alone', async () => {
    const model = network();
    const clone = await cloneModel(model);
    const before = await kernelsOf(model);
    const masks = everyThird(model);
    const moved = masks.for(clone);
    moved.apply();
    expect(await kernelsOf(model)).toEqual(before);
    expect((await kernelsOf(clone))[2]).toEqual(before[2]!.map((w, i) => (i % 3 === 0 ? w : 0)));
    moved.dispose();
    masks.dispose();
  });

  it('refuses bits and snapshots of another model', () => {
    const other = sequential({ layers: [layers.dense({ inputShape: [2], units: 2 })] });
    expect(() => new Masks(other, [new Uint8Array(3)])).toThrow(
      /kernels of \[4\] weights, got masks of \[3\]/,
    );
    const model = network();
    const masks = everyThird(model);
    expect(() => Masks.fromSnapshot(other, masks.toSnapshot())).toThrow(
      expect.objectContaining({ code: 'checkpoint-mismatch' }),
    );
    const snapshot = masks.toSnapshot();
    const cut = { ...snapshot, arrays: { ...snapshot.arrays, 'mask/1': new Uint8Array(3) } };
    expect(() => Masks.fromSnapshot(model, cut)).toThrow(
      expect.objectContaining({ code: 'checkpoint-mismatch' }),
    );
    expect(() => masks.bits('none/kernel')).toThrow(/first\/kernel, second\/kernel, last\/kernel/);
  });

  it('owns its tensors: none is left after dispose', async () => {
    const model = network();
    const before = memory().numTensors;
    const masks = everyThird(model);
    masks.apply();
    await trainPruned(model, clusters(), masks, { epochs: 1, batchSize: 16 });
    masks.apply();
    expect(memory().numTensors).toBe(before + 3);
    masks.dispose();
    masks.dispose();
    expect(memory().numTensors).toBe(before);
  });
});

function plainArrays(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { bytes: [...value] } : value;
}

function typedArrays(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'bytes' in value
    ? Uint8Array.from(value.bytes as number[])
    : value;
}
