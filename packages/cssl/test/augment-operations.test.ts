import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import { load, makeCanvas, type Interpolation } from '../src/augment/canvas.ts';
import { operationNames, operations, type OperationName } from '../src/augment/operations.ts';
import { apart, cases, pictures } from './augment-reference.ts';

/** Factors of the enhancements and the others' magnitudes are as torchvision's `_apply_op` takes them. */
function apply(
  image: string,
  name: OperationName,
  magnitude: number,
  interpolation: Interpolation,
  fill: number,
) {
  const { shape, pixels } = pictures.get(`image/${image}`)!;
  const canvas = makeCanvas('test', { interpolation, fill }, shape);
  load(canvas, Float32Array.from(pixels), 0);
  operations[name].apply(canvas, magnitude, new Random(1));
  return canvas.image;
}

const referenced = cases('operation');
const named = operationNames.filter((name) => name !== 'identity' && name !== 'cutout');

describe('an operation', () => {
  it.each(named)('equals Pillow to the grey level on images in colour and grey: %s', (name) => {
    const own = referenced.filter(({ parts }) => parts[1] === name);
    expect(new Set(own.map(({ parts }) => parts[0])).size).toBe(7);
    for (const { title, parts, numbers, expected } of own) {
      const ours = apply(parts[0]!, name, numbers[2]!, parts[3] as Interpolation, numbers[4]!);
      expect(apart(ours, expected), title).toBe(0);
    }
  });
});
