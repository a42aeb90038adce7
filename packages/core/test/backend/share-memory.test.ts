import { expect, it } from 'vitest';
import { shareMemory } from '../../src/backend/share-memory.ts';

const header = [0, 97, 115, 109, 1, 0, 0, 0];
const exported = [7, 5, 1, 1, 109, 2, 0]; // the memory, as `m`

it('a memory with a maximum is declared as shared, in a copy', () => {
  const module = Uint8Array.of(...header, 5, 5, 1, 1, 2, 128, 1, ...exported);
  const before = module.slice();
  const { bytes, pages } = shareMemory(module)!;
  expect(module).toEqual(before);
  expect(pages).toEqual({ initial: 2, maximum: 128 });
  const { m } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  const { buffer } = m as WebAssembly.Memory;
  expect(buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(buffer.byteLength).toBe(2 * 65536);
});

it('a module without a memory, or with one of another kind, is left alone', () => {
  expect(shareMemory(Uint8Array.of(...header))).toBeUndefined();
  expect(shareMemory(Uint8Array.of(...header, 5, 3, 1, 0, 2))).toBeUndefined(); // no maximum
  expect(shareMemory(Uint8Array.of(...header, 5, 4, 1, 3, 2, 4))).toBeUndefined(); // shared already
  expect(shareMemory(Uint8Array.of(...header, 5, 1, 0))).toBeUndefined(); // none
});
