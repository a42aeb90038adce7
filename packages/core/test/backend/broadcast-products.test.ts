import { matMul, tidy } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wholeNumbers } from './numeric-gradient.ts';

const axis = fc.constantFrom([1, 1], [1, 3], [3, 1], [2, 2]);

it('a product of matrices broadcasts batches along any axis of either', () => {
  fc.assert(
    fc.property(axis, axis, fc.boolean(), fc.boolean(), (first, second, transposeA, transposeB) =>
      tidy(() => {
        const [m, k, n] = [2, 3, 4];
        const a = wholeNumbers([first[0], second[0], ...(transposeA ? [k, m] : [m, k])], 1);
        const b = wholeNumbers([first[1], second[1], ...(transposeB ? [n, k] : [k, n])], 2);
        const product = matMul(a, b, transposeA, transposeB);
        const batch = [Math.max(...first), Math.max(...second)] as const;
        expect(product.shape).toEqual([...batch, m, n]);
        const one = (tensor: typeof a, i: number, j: number): number[][] =>
          tensor.slice([tensor.shape[0] === 1 ? 0 : i, tensor.shape[1] === 1 ? 0 : j], [1, 1]).squeeze<typeof a>([0, 1]).arraySync() as number[][]; // prettier-ignore
        const expected: number[] = [];
        for (let i = 0; i < batch[0]; i++) {
          for (let j = 0; j < batch[1]; j++) {
            const [left, right] = [one(a, i, j), one(b, i, j)];
            for (let r = 0; r < m; r++) {
              for (let c = 0; c < n; c++) {
                let sum = 0;
                for (let l = 0; l < k; l++)
                  sum +=
                    (transposeA ? left[l]![r]! : left[r]![l]!) * (transposeB ? right[c]![l]! : right[l]![c]!);
                expected.push(sum);
              }
            }
          }
        }
        expect(Array.from(product.dataSync(), (v) => v + 0)).toEqual(expected);
      }),
    ),
    { numRuns: 40 },
  );
});
