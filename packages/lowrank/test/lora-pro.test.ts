import { add, layers, sequential, tensor, tidy, type Tensor } from '@tensorflow/tfjs';
import { matrix, multiply, svd, transpose, type Matrix } from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';
import { meanGradients, trainableVariables, variableOf } from '@ockham/core/training';
import { expect, it } from 'vitest';
import { applyLora, loraPro } from '../src/index.ts';
import { loraOf } from '../src/lora/lora-state.ts';

const random = new Random(6);
const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const toMatrix = (t: Tensor): Matrix => matrix(t.shape[0], t.shape[1]!, t.dataSync());
const minus = (a: Matrix, b: Matrix): Matrix =>
  matrix(
    a.rows,
    a.columns,
    a.values.map((v, i) => v - b.values[i]!),
  );

/** The orthogonal projection on the columns of `a`. */
function projection(a: Matrix): Matrix {
  const { u } = svd(a);
  return multiply(u, u, { transposeB: true });
}

it('moves W along the projection of the full gradient on what A and B can reach', () => {
  const base = sequential({ layers: [layers.dense({ name: 'only', inputShape: [7], units: 5 })] });
  const data = {
    size: 9,
    x: { values: normals(63), shape: [7] },
    y: { values: normals(45), shape: [5] },
  };
  const adapted = applyLora(base, { rank: 2, alpha: 6, targets: 'only' });
  for (const variable of trainableVariables(adapted)) {
    tidy(() => variable.assign(add(variable, tensor(normals(variable.size), variable.shape))));
  }
  const { a, b, scale } = loraOf('test', adapted).sites[0]!.lora.adapters.get('default')!;
  const loss = 'meanSquaredError' as const;
  const given = meanGradients(adapted, data, { loss });
  const found = loraPro(adapted, { damping: 1e-9 }).gradients!(given);
  const changed = {
    a: toMatrix(found[variableOf(a).name]!),
    b: toMatrix(found[variableOf(b).name]!),
  };
  const [A, B] = [toMatrix(a.read()), toMatrix(b.read())];
  // W changes by s (dA B + A dB); the full gradient is that of a dense layer with the same kernel
  const moved = matrix(7, 5);
  for (const part of [multiply(changed.a, B), multiply(A, changed.b)]) {
    for (let i = 0; i < 35; i++) moved.values[i]! += scale * part.values[i]!;
  }
  const kernel = variableOf(base.getLayer('only').weights[0]!);
  tidy(() =>
    kernel.assign(
      add(
        kernel,
        tensor(
          Float32Array.from(multiply(A, B).values, (v) => scale * v),
          [7, 5],
        ),
      ),
    ),
  );
  const full = meanGradients(base, data, { loss });
  const G = toMatrix(full[kernel.name]!);
  const GPb = multiply(G, projection(transpose(B)));
  const rest = multiply(projection(A), minus(G, GPb));
  for (let i = 0; i < 35; i++) expect(moved.values[i]).toBeCloseTo(GPb.values[i]! + rest.values[i]!, 4);
  expect(() => loraPro(adapted, { damping: 0 })).toThrow(/damping must be positive/);
});
