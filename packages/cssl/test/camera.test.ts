import { describe, expect, it } from 'vitest';
import { cameraFrames, cameraStream, type Frame, frameToPixels, type VideoSource } from '@ockham/cssl';

function frame(width: number, height: number, colour: (row: number, column: number) => number[]): Frame {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++)
    data.set([...colour(Math.floor(i / width), i % width), 255], i * 4);
  return { width, height, data };
}

/** Shows `frames` one after the other, one each time that a callback is due. */
function video(frames: readonly Frame[]) {
  let shown = -1;
  const source: VideoSource = {
    videoWidth: frames[0]!.width,
    videoHeight: frames[0]!.height,
    requestVideoFrameCallback(callback) {
      if (shown + 1 < frames.length) {
        shown++;
        queueMicrotask(callback);
      }
      return 7;
    },
    cancelVideoFrameCallback(handle) {
      cancelled.push(handle);
    },
  };
  const cancelled: number[] = [];
  const grabber = () => ({ drawImage: () => undefined, getImageData: () => frames[shown]! });
  return { source, grabber, cancelled };
}

describe('a frame', () => {
  it('is averaged down within the largest centred square', () => {
    const wide = frame(6, 4, (_row, column) =>
      column < 1 || column > 4 ? [255, 255, 255] : [column * 10, 0, 0],
    );
    expect([...frameToPixels(wide, [2, 2, 3])]).toEqual([15, 0, 0, 35, 0, 0, 15, 0, 0, 35, 0, 0]);
  });

  it('becomes luma where the model takes one channel', () => {
    expect([
      ...frameToPixels(
        frame(1, 1, () => [100, 200, 50]),
        [1, 1, 1],
      ),
    ]).toEqual([153]);
  });

  it('covers every pixel where the sizes do not divide', () => {
    const pixels = frameToPixels(
      frame(5, 5, () => [9, 9, 9]),
      [3, 3, 3],
    );
    expect(new Set(pixels)).toEqual(new Set([9]));
  });

  it('is refused where it is smaller than the model takes', () => {
    expect(() =>
      frameToPixels(
        frame(3, 3, () => [0, 0, 0]),
        [4, 4, 1],
      ),
    ).toThrow(/4×4 pixels or more.*3×3/);
  });
});

describe('a camera', () => {
  const frames = [10, 20, 30].map((grey) => frame(2, 2, () => [grey, grey, grey]));

  it('gives labelled frames as examples, and passes over those without a label', async () => {
    const { source, grabber } = video(frames);
    const controller = new AbortController();
    const examples = [];
    const label = ({ data }: Frame) => (data[0] === 20 ? undefined : data[0]! / 10);
    const camera = cameraStream(cameraFrames(source, { grabber, signal: controller.signal }), {
      shape: [1, 1, 1],
      label,
      from: 5,
    });
    for await (const example of camera) {
      examples.push(example);
      if (examples.length === 2) controller.abort();
    }
    expect(examples).toEqual([
      { x: Uint8Array.of(10), y: 1, position: 5 },
      { x: Uint8Array.of(30), y: 3, position: 6 },
    ]);
  });

  it('stops waiting for a frame when the signal fires', async () => {
    const { source, grabber, cancelled } = video(frames.slice(0, 1));
    const controller = new AbortController();
    const seen = [];
    setTimeout(() => controller.abort(), 5);
    for await (const next of cameraFrames(source, { grabber, signal: controller.signal })) seen.push(next);
    expect(seen).toHaveLength(1);
    expect(cancelled).toEqual([7]);
  });

  it('refuses a label that is no class', async () => {
    const { source, grabber } = video(frames);
    const camera = cameraStream(cameraFrames(source, { grabber }), { shape: [1, 1, 1], label: () => 1.5 });
    await expect(camera.next()).rejects.toThrow(/label must be an integer ≥ 0 or undefined, got 1.5/);
  });
});
