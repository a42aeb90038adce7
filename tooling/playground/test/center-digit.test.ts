import fc from 'fast-check';
import { expect, it } from 'vitest';
import { centerDigit, SIDE } from '../src/digits/center-digit.ts';

const PAD = 56;

/** Ink in a rectangle of the pad. */
function rectangle(left: number, top: number, width: number, height: number): Float32Array {
  const ink = new Float32Array(PAD * PAD);
  for (let y = top; y < top + height; y++) ink.fill(1, y * PAD + left, y * PAD + left + width);
  return ink;
}

function extent(digit: Uint8Array) {
  const inked = [...digit.keys()].filter((i) => digit[i]! > 0);
  const [xs, ys] = [inked.map((i) => i % SIDE), inked.map((i) => Math.floor(i / SIDE))];
  return {
    left: Math.min(...xs),
    right: Math.max(...xs) + 1,
    top: Math.min(...ys),
    bottom: Math.max(...ys) + 1,
  };
}

it('an empty pad is no digit', () => {
  expect(centerDigit(new Float32Array(PAD * PAD), PAD)).toBeUndefined();
});

it('a rectangle of 20 × 40 becomes one of 10 × 20 in the middle, all ink', () => {
  const digit = centerDigit(rectangle(3, 5, 20, 40), PAD)!;
  expect(extent(digit)).toEqual({ left: 9, right: 19, top: 4, bottom: 24 });
  expect(digit.filter((level) => level === 255)).toHaveLength(10 * 20);
});

it('wherever and however large it is drawn, a shape fills 20 pixels and stays within the picture', () => {
  fc.assert(
    fc.property(
      fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 })),
      fc.tuple(fc.integer({ min: 0, max: 26 }), fc.integer({ min: 0, max: 26 })),
      ([width, height], [left, top]) => {
        const digit = centerDigit(rectangle(left, top, width, height), PAD)!;
        const { left: l, right, top: t, bottom } = extent(digit);
        expect(Math.max(right - l, bottom - t)).toBe(20);
        expect(digit).toEqual(centerDigit(rectangle(0, 0, width, height), PAD)); // where it was drawn does not matter
      },
    ),
  );
});
