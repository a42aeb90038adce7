import {
  add,
  concat,
  customGrad,
  grads,
  matMul,
  memory,
  mul,
  relu,
  reshape,
  square,
  sum,
  tensor,
  tensor1d,
  tensor2d,
  tidy,
  variable,
  type Tensor,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import { vjp } from '../src/autograd/vjp.ts';

const random = new Random(5);
const normal = (rows: number, columns?: number): Tensor2D =>
  tensor(
    Float32Array.from({ length: rows * (columns ?? 1) }, () => random.normal()),
    (columns === undefined ? [rows] : [rows, columns]) as [number, number],
  );

/** Two layers with a residual and a weight that is used twice. */
function network(x: Tensor2D, w: Tensor2D, v: Tensor2D): Tensor {
  const h = relu(matMul(x, w));
  return add(matMul(add(h, x), v), matMul(mul(h, x), v));
}

describe('vjp', () => {
  it('gives the bits of tf.grads', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 6 }), (rows, width) => {
        const before = memory().numTensors;
        const [x, w, v, dy] = [normal(rows, width), normal(width, width), normal(width, 3), normal(rows, 3)];
        const expected = grads(network as (...xs: Tensor[]) => Tensor)([x, w, v], dy).map((g) => [
          ...g.dataSync(),
        ]);
        const tape = vjp(() => [network(x, w, v)], [x, w, v], []);
        const { inputs } = tape.backward([dy]);
        expect(inputs.map((g) => [...g!.dataSync()])).toEqual(expected);
        expect([...tape.outputs[0]!.dataSync()]).toEqual([...tidy(() => network(x, w, v).dataSync())]);
        expect(memory().numTensors).toBeGreaterThan(before);
      }),
      { numRuns: 20 },
    );
  });

  it('agrees with numeric gradients', () => {
    const [x, w, v] = [normal(2, 3), normal(3, 3), normal(3, 3)];
    const value = (at: Tensor2D): number => tidy(() => sum(square(network(at, w, v))).dataSync()[0]!);
    const tape = vjp(() => [sum(square(network(x, w, v)))], [x], []);
    const [gradient] = tape.backward([tensor(1)]).inputs;
    const values = x.dataSync<'float32'>();
    const step = 1e-2;
    for (const [i, g] of [...gradient!.dataSync()].entries()) {
      const moved = (by: number): number =>
        tidy(() =>
          value(
            tensor(
              values.map((each, j) => (j === i ? each + by : each)),
              [2, 3],
            ),
          ),
        );
      expect(Math.abs((moved(step) - moved(-step)) / (2 * step) - g)).toBeLessThan(2e-2 * (1 + Math.abs(g)));
    }
  });

  it('keeps tapes in flight apart, goes back in any order and leaks nothing', () => {
    const w = variable(normal(4, 4));
    const batches = [normal(2, 4), normal(2, 4), normal(2, 4)];
    const dy = normal(2, 4);
    const f = (x: Tensor2D) => (): Tensor[] => [relu(matMul(x, w))];
    const alone = batches.map((x) => {
      const tape = vjp(f(x), [], [w]);
      tape.outputs[0]!.dispose();
      return take(tape.backward([dy]).variables.get(w)!);
    });
    const before = memory().numTensors;
    const tapes = batches.map((x) => vjp(f(x), [], [w]));
    for (const i of [1, 2, 0]) {
      const { variables } = tapes[i]!.backward([dy]);
      expect(take(variables.get(w)!)).toEqual(alone[i]);
      tapes[i]!.outputs[0]!.dispose();
    }
    expect(memory().numTensors).toBe(before);
    const dropped = vjp(f(batches[0]!), [], [w]);
    dropped.outputs[0]!.dispose();
    dropped.dispose();
    expect(memory().numTensors).toBe(before);
    w.dispose();
  });

  it('adds to gradients from elsewhere in the order of one tape', () => {
    const x = normal(3, 3);
    const first = (t: Tensor): Tensor => add(mul(t, 0.1), add(square(t), mul(t, t)));
    const second = (t: Tensor, u: Tensor): Tensor => mul(add(t, u), t);
    const whole = grads((t: Tensor) => second(t, first(t)))([x]).map((g) => [...g.dataSync()]);
    const [a] = [vjp(() => [first(x)], [x], [])];
    const u = a.outputs[0]!;
    const b = vjp(() => [second(x, u)], [x, u], []);
    const ones = tensor2d(new Float32Array(9).fill(1), [3, 3]);
    const { inputs } = b.backward([ones]);
    const { inputs: back } = a.backward([inputs[1]], { inputs: [inputs[0]] });
    expect([...back[0]!.dataSync()]).toEqual(whole[0]);
  });

  it('has no gradient for what does not lead to an output with one', () => {
    const [x, y, unused] = [normal(2), normal(2), variable(normal(2))];
    const tape = vjp(() => [square(x), square(y)], [x, y], [unused]);
    const { inputs, variables } = tape.backward([undefined, tensor1d([1, 1])]);
    expect(inputs[0]).toBeUndefined();
    expect(inputs[1]).toBeDefined();
    expect(variables.size).toBe(0);
    unused.dispose();
  });

  it('counts what its tape holds, variables left out and shared buffers once', () => {
    const [x, w] = [normal(4, 8), variable(normal(8, 2))];
    const tape = vjp(
      () => {
        const h = relu(matMul(x, w)); // saves x (and w); relu saves its input
        return [reshape(square(h), [8])]; // saves h
      },
      [],
      [w],
    );
    expect([...tape.held.values()]).toEqual([128, 32, 32]);
    expect(tape.bytes).toBe(4 * (4 * 8 + 4 * 2 + 4 * 2));
    tape.dispose();
    w.dispose();
  });

  it('lets variables go and takes their values at the time of backward', () => {
    const [x, w, dy] = [normal(2, 3), variable(normal(3, 3)), normal(2, 3)];
    const f = (): Tensor[] => [relu(matMul(x, w))];
    const expected = take(vjp(f, [x], []).backward([dy]).inputs[0]!);
    const tape = vjp(f, [x], [w]);
    const values = w.dataSync().slice();
    tape.releaseVariables();
    w.assign(tensor(new Float32Array(9), [3, 3]));
    w.assign(tensor(values, [3, 3]));
    expect(take(tape.backward([dy]).inputs[0]!)).toEqual(expected);
    w.dispose();
  });

  it('frees the tape when f throws, and refuses to run on another tape or twice', () => {
    const x = normal(2, 2);
    const before = memory().numTensors;
    const failing = (): Tensor[] => {
      square(square(x));
      throw new RangeError('no');
    };
    expect(() => vjp(failing, [x], [])).toThrow('no');
    expect(memory().numTensors).toBe(before);
    const nested = (t: Tensor): Tensor => sum(vjp(() => [square(t)], [t], []).outputs[0]!);
    expect(() => grads(nested)([x])).toThrow('vjp: must not run inside tf.grads');
    const tape = vjp(() => [square(x)], [x], []);
    tape.backward([x]);
    expect(() => tape.backward([x])).toThrow('vjp: backward() goes once');
  });

  it('bears gradient functions that give back what they got', () => {
    const [x, y] = [normal(2), normal(2)];
    const plus = customGrad((a, b) => {
      const value = add(a as Tensor, b as Tensor);
      return { value, gradFunc: (dy) => [dy, dy] };
    });
    const f = (a: Tensor, b: Tensor): Tensor => sum(concat([plus(plus(a, b), b), b]));
    const expected = grads(f)([x, y]).map(take);
    const { inputs } = vjp(() => [f(x, y)], [x, y], []).backward([tensor(1)]);
    expect(inputs.map((g) => take(g!))).toEqual(expected);
  });
});

function take(gradient: Tensor): number[] {
  const values = [...gradient.dataSync()];
  gradient.dispose();
  return values;
}
