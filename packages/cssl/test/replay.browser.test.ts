import { expect, it } from 'vitest';
import { ReplayBuffer } from '@ockham/cssl';

it('a page keeps JPEG images, saves and loads them, without anything of Node', () => {
  expect('Buffer' in globalThis).toBe(false);
  const buffer = new ReplayBuffer({ shape: [28, 28, 1], bytes: 3000, codec: 'jpeg', seed: 1 });
  for (let i = 0; i < 40; i++) {
    buffer.store(
      Uint8Array.from({ length: 784 }, (_, p) => 128 + 100 * Math.sin(p / (40 + i))),
      i % 3,
    );
  }
  const images = new Float32Array(4 * 784);
  const slots = buffer.sample(4);
  buffer.read(slots, images);
  expect(buffer.distortion().psnr).toBeGreaterThan(25);
  expect(buffer.bytes).toBeLessThanOrEqual(3000);
  const { buffer: loaded } = ReplayBuffer.load(buffer.save());
  const again = new Float32Array(4 * 784);
  loaded.read(slots, again);
  expect(again).toEqual(images);
});
