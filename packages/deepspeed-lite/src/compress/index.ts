export {
  checkGrid,
  fakeQuantize,
  quantize,
  type FakeQuantizeOptions,
  type Grid,
  type GridBits,
  type GridRange,
} from './grid.ts';
