import {
  input,
  layers,
  memory,
  model,
  sequential,
  tensor,
  tidy,
  type SymbolicTensor,
  type Tensor,
} from '@tensorflow/tfjs';
import { cloneModel } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { flatLayers, trainableVariables, withSeededDropout } from '@ockham/core/training';
import { train } from '@ockham/core/training';
import { describe, expect, it } from 'vitest';
import {
  ChooseTokens,
  dropTokens,
  keptTokens,
  LayerDrop,
  setKeptTokens,
  setSurvival,
  survivals,
} from '../src/index.ts';

const random = new Random(1);
const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());

/** Doubles its tokens. */
const doubling = (length: number, width: number, kept?: number) => {
  const x = input({ shape: [length, width] });
  const block = (t: SymbolicTensor) =>
    layers
      .dense({ units: width, useBias: false, kernelInitializer: 'identity', name: 'double' })
      .apply(t) as SymbolicTensor;
  const y = dropTokens({ name: 'drop', ...(kept !== undefined && { kept }) }, x, block);
  const built = model({ inputs: x, outputs: y });
  tidy(() => {
    const [kernel] = trainableVariables(built);
    kernel!.assign(
      tensor(
        Array.from({ length: width }, (_, i) => Array.from({ length: width }, (_u, j) => (i === j ? 2 : 0))),
      ),
    );
  });
  return built;
};

const run = (
  built: ReturnType<typeof doubling>,
  x: Float32Array,
  shape: number[],
  training: boolean,
  step = 0,
) =>
  tidy(() =>
    withSeededDropout(
      built,
      new Random(5),
      step,
      () => built.apply(tensor(x, shape), { training }) as Tensor,
    ).dataSync(),
  );

describe('token dropping', () => {
  it('sends as many tokens as it keeps through the block, and the others past it, all in their places', () => {
    const built = doubling(6, 3, 4);
    const x = normals(5 * 6 * 3);
    const y = run(built, x, [5, 6, 3], true);
    const patterns = new Set<string>();
    for (let b = 0; b < 5; b++) {
      let pattern = '';
      for (let t = 0; t < 6; t++) {
        const at = (b * 6 + t) * 3;
        const factor = y[at]! / x[at]! > 1.5 ? 2 : 1;
        for (let j = at; j < at + 3; j++) expect(y[j]).toBe(factor * x[j]!);
        pattern += String(factor);
      }
      expect(pattern.replaceAll('1', '')).toHaveLength(4);
      patterns.add(pattern);
    }
    expect(patterns.size).toBeGreaterThan(1);
    expect(run(built, x, [5, 6, 3], true)).toEqual(y);
    expect(run(built, x, [5, 6, 3], true, 1)).not.toEqual(y);
    built.dispose();
  });

  it('takes all tokens outside of training, and where it keeps as many as there are', () => {
    const built = doubling(4, 2, 2);
    const x = normals(2 * 4 * 2);
    const doubled = x.map((v) => 2 * v);
    expect(run(built, x, [2, 4, 2], false)).toEqual(doubled);
    setKeptTokens(built, 9);
    expect(run(built, x, [2, 4, 2], true)).toEqual(doubled);
    built.dispose();
  });

  it('keeps the order of the tokens and takes their part of the mask', () => {
    const x = input({ shape: [5, 1] });
    const mask = input({ shape: [1, 1, 5] });
    let seen: SymbolicTensor[] = [];
    const y = dropTokens({ name: 'drop', kept: 3 }, x, (t, m) => ((seen = [t, m!]), t), mask);
    const built = model({ inputs: [x, mask], outputs: [y, ...seen] });
    tidy(() => {
      const values = [0, 1, 2, 3, 4];
      const inputs = [
        tensor(values, [1, 5, 1]),
        tensor(
          values.map((v) => 10 * v),
          [1, 1, 1, 5],
        ),
      ];
      const [, taken, part] = (built.apply(inputs, { training: true }) as Tensor[]).map((t) => [
        ...t.dataSync(),
      ]);
      expect(taken).toEqual([...taken!].sort());
      expect(new Set(taken).size).toBe(3);
      expect(part).toEqual(taken!.map((v) => 10 * v));
    });
    built.dispose();
  });

  it('trains through it, loads again, and leaks no tensor', async () => {
    const x = input({ shape: [4, 2] });
    const dense = layers.dense({ units: 2, name: 'inner' });
    const dropped = dropTokens(
      { name: 'drop', kept: 2, seed: 3 },
      x,
      (t) => dense.apply(t) as SymbolicTensor,
    );
    const built = model({
      inputs: x,
      outputs: layers.dense({ units: 1 }).apply(layers.flatten().apply(dropped)) as SymbolicTensor,
    });
    const data = {
      size: 8,
      x: { values: normals(64), shape: [4, 2] },
      y: { values: normals(8), shape: [1] },
    };
    const kernel = () => [...trainableVariables(built)[0]!.dataSync()];
    const before = kernel();
    const options = { epochs: 1, batchSize: 4, loss: 'meanSquaredError', optimizer: 'sgd', seed: 1 } as const;
    await train(built, data, options);
    const tensors = memory().numTensors;
    await train(built, data, options);
    expect(memory().numTensors).toBe(tensors);
    expect(kernel()).not.toEqual(before);
    const copy = await cloneModel(built);
    const chosen = flatLayers(copy).find((layer) => layer instanceof ChooseTokens)!;
    expect([chosen.kept, chosen.seed]).toEqual([2, 3]);
    copy.dispose();
    built.dispose();
  });

  it('keeps more tokens with time, by multiples, to all', () => {
    const kept = keptTokens({ length: 128, start: 32, steps: 12, multiple: 16 });
    expect([0, 1, 2, 4, 11, 12, 99].map(kept)).toEqual([32, 32, 48, 64, 112, 128, 128]);
    expect(() => keptTokens({ length: 8, start: 9, steps: 1 })).toThrow('start must be in [1, length]');
  });

  it('refuses a model without it, and no tokens at all', () => {
    const plain = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
    expect(() => setKeptTokens(plain, 3)).toThrow('must have token dropping');
    expect(() => setKeptTokens(plain, 0)).toThrow('kept must be an integer ≥ 1, got 0');
    plain.dispose();
  });
});

describe('layer dropping', () => {
  const stack = (survival: number) => {
    const block = (name: string) => {
      const x = input({ shape: [2] });
      const y = layers
        .dense({ units: 2, name: `${name}/dense`, seed: 3 } as never)
        .apply(x) as SymbolicTensor;
      return model({ inputs: x, outputs: y, name });
    };
    const x = input({ shape: [2] });
    const first = new LayerDrop({ block: block('a'), survival, name: 'drop_a' }).apply(x) as SymbolicTensor;
    return model({
      inputs: x,
      outputs: new LayerDrop({ block: block('b'), survival, name: 'drop_b' }).apply(first) as SymbolicTensor,
    });
  };

  it('skips a block in a part of the steps, and scales its change in the others', () => {
    const built = stack(1);
    setSurvival(built, [0.25, 1]);
    const x = Float32Array.from([1, -2]);
    const y = tidy(
      () => (flatLayers(built)[1] as LayerDrop).block.apply(tensor(x, [1, 2])) as Tensor,
    ).dataSync();
    const next = (v: Float32Array) =>
      tidy(
        () =>
          (
            (flatLayers(built)[2] as LayerDrop).block.apply(tensor(v, [1, 2])) as Tensor
          ).dataSync() as Float32Array,
      );
    const skipped = [...next(x)];
    const used = [...next(x.map((v, i) => v + (y[i]! - v) / 0.25))];
    let skips = 0;
    for (let step = 0; step < 200; step++) {
      const found = [...run(built, x, [1, 2], true, step)];
      const isSkip = Math.abs(found[0]! - skipped[0]!) < 1e-5;
      (isSkip ? skipped : used).forEach((v, i) => expect(found[i]).toBeCloseTo(v, 4));
      if (isSkip) skips++;
    }
    // 150 ± 6 for the binomial
    expect(skips).toBeGreaterThan(125);
    expect(skips).toBeLessThan(175);
    built.dispose();
  });

  it('is the plain stack outside of training, trains, and loads again', async () => {
    const built = stack(0.5);
    expect(trainableVariables(built)).toHaveLength(4);
    const x = Float32Array.from([1, 2]);
    const full = run(built, x, [1, 2], false);
    setSurvival(built, [1, 1]);
    expect(run(built, x, [1, 2], true)).toEqual(full);
    setSurvival(built, [0.5, 0.5]);
    const copy = await cloneModel(built);
    expect(run(copy, x, [1, 2], false)).toEqual(full);
    expect((flatLayers(copy)[1] as LayerDrop).survival).toBe(0.5);
    const data = { size: 8, x: { values: normals(16), shape: [2] }, y: { values: normals(16), shape: [2] } };
    // a head, since a step may skip both
    const headed = sequential({ layers: [built, layers.dense({ units: 2 })] });
    await train(headed, data, {
      epochs: 4,
      batchSize: 4,
      loss: 'meanSquaredError',
      optimizer: 'sgd',
      seed: 1,
    });
    expect(run(built, x, [1, 2], false)).not.toEqual(full);
    copy.dispose();
    built.dispose();
  });

  it('has p_l(t) = 1 − (l/L)(1 − θ(t)), by hand', () => {
    const at = survivals({ layers: 4, theta: 0.5, gamma: 0.01 });
    expect([...at(0)]).toEqual([1, 1, 1, 1]);
    const theta = 0.5 * Math.exp(-1) + 0.5;
    [...at(100)].forEach((p, l) => expect(p).toBeCloseTo(1 - ((l + 1) / 4) * (1 - theta), 12));
    expect(() => survivals({ layers: 0 })).toThrow('layers must be an integer ≥ 1');
  });

  it('refuses probabilities that do not fit', () => {
    const built = stack(1);
    expect(() => setSurvival(built, [0.5])).toThrow('got 1 for 2');
    expect(() => setSurvival(built, [0.5, 0])).toThrow('survival must be in (0, 1], got 0');
    expect((flatLayers(built)[1] as LayerDrop).survival).toBe(1);
    built.dispose();
  });
});
