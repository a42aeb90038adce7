import { getBackend, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { OckhamError } from '../../errors.ts';
import { toFloat16 } from '../../files/float16.ts';
import { quantizedProductTwin } from '../twins/quantized.ts';
import { CODINGS, type Coding } from './codings.ts';
import { quantizedMatMul } from './mat-mul.ts';
import { packCodes, type PackedMatrix } from './packed-matrix.ts';
import { quantizedProducts } from './products.ts';

/** Sizes that use whole registers, the rest of one, and a last group that is shorter. */
const [ROWS, INPUTS, OUTPUTS, GROUP] = [5, 84, 11, 32];
/** The largest difference ÷ the largest result: some roundings of float32. */
const TOLERANCE = 1e-5;

/**
 * Computes a small fixed problem with {@link quantizedMatMul} on the engine in use, in every coding and with both kinds of
 * activations, and compares it with the definition in plain TypeScript.
 *
 * @throws OckhamError `engine-differs` if a result is another: the engine must not be used for quantised models.
 */
export async function checkQuantizedProducts(): Promise<void> {
  const products = await quantizedProducts();
  const x = Float32Array.from({ length: ROWS * INPUTS }, (_, i) => Math.sin(1.7 * i) * (1 + (i % 3)));
  const bias = Float32Array.from({ length: OUTPUTS }, (_, i) => Math.cos(i));
  for (const coding of Object.keys(CODINGS) as Coding[]) {
    const packed = example(coding);
    const matrix = products.load(packed);
    try {
      for (const activations of ['float32', 'int8'] as const) {
        for (const rows of [1, ROWS]) {
          const options = { activation: 'gelu', activations } as const;
          const given = x.subarray(0, rows * INPUTS);
          const expected = quantizedProductTwin(packed, given, rows, bias, options.activation, activations);
          const got = tidy(() =>
            quantizedMatMul(tensor2d(given, [rows, INPUTS]), matrix, {
              ...options,
              bias: tensor1d(bias),
            }).dataSync(),
          );
          const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          const worst = expected.reduce((most, value, i) => {
            const difference = Math.abs(value - got[i]!);
            return difference <= most ? most : difference; // NaN stays
          }, 0);
          if (worst <= TOLERANCE * size) continue;
          throw new OckhamError(
            'engine-differs',
            `checkQuantizedProducts: ${coding} weights with ${activations} activations must give what the definition gives, to ${TOLERANCE} of the largest number, but the engine ${getBackend()} differs by ${worst / size}. Use another engine.`,
          );
        }
      }
    } finally {
      matrix.dispose();
    }
  }
}

/** All codes of a coding, with scales and, for integers, zeros of every group. */
function example(coding: Coding): PackedMatrix {
  const { low, high, values: patterns } = CODINGS[coding];
  const span = high - low + 1;
  const values = Int8Array.from({ length: OUTPUTS * INPUTS }, (_, i) => {
    const code = low + ((i * 37 + (i >> 3)) % span);
    if (coding === 'binary') return code < 0 ? -1 : 1;
    return patterns && !Number.isFinite(patterns[code & (patterns.length - 1)]) ? 1 : code;
  });
  const groups = OUTPUTS * Math.ceil(INPUTS / GROUP);
  const scales = toFloat16(Array.from({ length: groups }, (_, i) => (1 + (i % 7)) / (4 * span)));
  const zeros = Uint8Array.from({ length: groups }, (_, i) => 128 + (i % 5) - 2);
  return packCodes(values, {
    ...{ coding, outputs: OUTPUTS, inputs: INPUTS, group: GROUP, scales },
    ...(coding.startsWith('int') && { zeros }),
  });
}
