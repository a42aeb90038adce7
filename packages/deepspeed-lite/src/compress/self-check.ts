/** An engine whose quantised products are wrong is found out before a model is handed over. */
import { OckhamError } from '@ockham/core';
import { dequantize, type PackedMatrix } from '@ockham/core/kernels';
import { Random } from '@ockham/core/random';
import { getBackend, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { quantizedLayers } from './compressed-model.ts';
import type { ProductMatrix } from './layers/held-matrix.ts';

/** Rows of the check's input. */
const ROWS = 2;
/** Of the sum of the magnitudes that a product adds up: float32 sums in any order stay well below. */
const TOLERANCE = 1e-5;

/**
 * Compares the engine's products with sums in float64 on the host, for every coding and size that a model uses, on
 * inputs that int8 holds exactly.
 *
 * @throws OckhamError `engine-unavailable` naming the engine, the layer and the difference.
 */
export async function checkProducts(who: string, model: LayersModel): Promise<void> {
  const seen = new Set<string>();
  for (const [path, layer] of quantizedLayers(model)) {
    for (const [name, matrix] of layer.products()) {
      const kind = JSON.stringify([layer.matrices[name], layer.activations?.kind]);
      if (seen.has(kind)) continue;
      seen.add(kind);
      for (const activations of layer.activations?.kind === 'dynamic'
        ? (['float32', 'int8'] as const)
        : (['float32'] as const))
        await checkProduct(who, `${path} (${name})`, matrix, activations);
    }
  }
}

/** Checks one matrix. */
export async function checkProduct(
  who: string,
  what: string,
  matrix: ProductMatrix,
  activations: 'float32' | 'int8',
): Promise<void> {
  const packed: PackedMatrix = matrix.packed();
  const { outputs, inputs } = packed;
  const random = new Random(7);
  const x = Float32Array.from({ length: ROWS * inputs }, (_, i) =>
    i % inputs === 0 ? 127 : Math.floor(random.uniform() * 255) - 127,
  ); // the largest is 127: the scale of each row is 1, and int8 holds it exactly
  const result = tidy(() =>
    matrix.multiply(tensor2d(x, [ROWS, inputs]), { activation: 'linear', activations }),
  );
  const got = await result.data<'float32'>();
  result.dispose();
  const weights = dequantize(packed);
  for (let r = 0; r < ROWS; r++) {
    for (let o = 0; o < outputs; o++) {
      let [expected, size] = [0, 0];
      for (let i = 0; i < inputs; i++) {
        const term = x[r * inputs + i]! * weights[o * inputs + i]!;
        expected += term;
        size += Math.abs(term);
      }
      const value = got[r * outputs + o]!;
      if (Math.abs(value - expected) <= TOLERANCE * size) continue;
      throw new OckhamError(
        'engine-unavailable',
        `${who}: the ${getBackend()} engine must multiply ${packed.coding} weights as the reference does, and gives ${value} for ${expected} in ${what}. Choose another engine with useBackend.`,
      );
    }
  }
}
