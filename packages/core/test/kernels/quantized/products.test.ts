import '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '@ockham/core/backend';
import { CODINGS, quantizedProducts, type Coding } from '@ockham/core/kernels';
import { quantizedProductTwin } from '../../../src/kernels/twins/quantized.ts';
import { farthest, matrixOf, numbers } from './draw.ts';

const codings = Object.keys(CODINGS) as Coding[];

describe.each(['wasm', 'cpu'] as const)('quantised products beside the %s engine', (engine) => {
  beforeAll(async () => void (await useBackend(engine)));

  it('are those of the twin, whatever the sizes and the ending', async () => {
    const products = await quantizedProducts();
    fc.assert(
      fc.property(
        fc.record({
          coding: fc.constantFrom(...codings),
          rows: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(70)),
          outputs: fc.integer({ min: 0, max: 20 }),
          inputs: fc.oneof(
            { weight: 9, arbitrary: fc.integer({ min: 0, max: 90 }) },
            { weight: 1, arbitrary: fc.integer({ min: 1900, max: 2000 }) },
          ),
          ...{ most: fc.integer({ min: 1, max: 100 }), seed: fc.nat(9999), single: fc.boolean() },
          ...{ asymmetric: fc.boolean(), biased: fc.boolean() },
          activation: fc.constantFrom('linear', 'relu', 'gelu', 'gelu-tanh'),
          activations: fc.constantFrom('float32', 'int8'),
        }),
        ({
          coding,
          rows,
          outputs,
          inputs,
          most,
          seed,
          single,
          asymmetric,
          biased,
          activation,
          activations,
        }) => {
          const group = Math.min(most, Math.max(1, inputs));
          const packed = matrixOf(coding, [outputs, inputs, group], seed, single, asymmetric);
          const x = numbers(rows * inputs, seed + 1);
          const bias = biased ? numbers(outputs, seed + 2) : undefined;
          const loaded = products.load(packed);
          const y = products.multiply(x, rows, loaded, { activation, activations, ...(bias && { bias }) });
          loaded.dispose();
          const expected = quantizedProductTwin(packed, x, rows, bias, activation, activations);
          const size = Math.max(1, ...expected.map(Math.abs));
          expect(y.length).toBe(expected.length);
          expect(farthest(y, expected)).toBeLessThan(2e-6 * size * Math.sqrt(1 + inputs / 16));
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });
});
