import '@tensorflow/tfjs';
import { cameraFrames, cameraStream } from '@ockham/cssl';
import { expect, it } from 'vitest';

/** A `<video>` that plays what is drawn on a canvas: a camera without asking the user for one. */
async function play(canvas: HTMLCanvasElement, draw: () => void): Promise<[HTMLVideoElement, () => void]> {
  draw();
  const timer = setInterval(draw, 20);
  const video = document.createElement('video');
  video.muted = true;
  const media = canvas.captureStream();
  video.srcObject = media;
  await video.play();
  const stop = () => {
    clearInterval(timer);
    for (const track of media.getTracks()) track.stop();
  };
  return [video, stop];
}

it('a playing video gives labelled examples of the shape that the model takes', async () => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [96, 64];
  const context = canvas.getContext('2d')!;
  let drawn = 0;
  const [video, stop] = await play(canvas, () => {
    context.fillStyle = 'rgb(40 40 40)';
    context.fillRect(0, 0, 96, 64);
    context.fillStyle = 'rgb(220 30 60)'; // the upper left quarter of the square in the middle
    context.fillRect(16, 0, 32, 32);
    context.fillRect(95, 63, 1, drawn++ % 2); // a frame comes only where something changed
  });
  const controller = new AbortController();
  const frames = cameraFrames(video, { signal: controller.signal });
  const examples = [];
  try {
    for await (const example of cameraStream(frames, { shape: [2, 2, 3], label: () => 4 })) {
      examples.push(example);
      if (examples.length === 3) controller.abort();
    }
  } finally {
    stop();
  }
  expect(examples.map(({ y, position }) => [y, position])).toEqual([
    [4, 0],
    [4, 1],
    [4, 2],
  ]);
  const wanted = [220, 30, 60, ...Array<number>(9).fill(40)];
  for (const { x } of examples)
    for (const [i, value] of wanted.entries()) expect(Math.abs(x[i]! - value)).toBeLessThan(12); // video codes colours roughly
});
