import { ArgumentError, throwIfAborted } from '@ockham/core';
import type { ImageShape } from '../image.ts';
import type { StreamExample } from './stream.ts';

/** One picture of `width` × `height` pixels, four bytes each; a canvas' `ImageData` is one. */
export interface Frame {
  /** Pixels of a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** `[height, width, 4]`, red, green, blue, alpha. */
  readonly data: Uint8ClampedArray | Uint8Array;
}

/** Options of {@link cameraStream}. */
export interface CameraStreamOptions {
  /** What the model takes: 3 channels are red, green, blue; 1 is luma (BT.601). */
  readonly shape: ImageShape;
  /** Class that the user says a frame shows; `undefined` passes it over. */
  readonly label: (frame: Frame) => number | undefined | Promise<number | undefined>;
  /** Position of the first example. Default 0; on resuming, what the learner has seen. */
  readonly from?: number;
  /** Ends the stream with an AbortedError. */
  readonly signal?: AbortSignal;
}

/**
 * Labelled examples from frames: the largest centred part of the right proportions, averaged down to `shape`. The
 * next frame is asked for when the learner is ready, so that a slow learner skips frames instead of queueing them.
 *
 * @example
 * const frames = cameraFrames(document.querySelector('video'));
 * for await (const example of cameraStream(frames, { shape: [32, 32, 3], label: () => pressedKey })) {
 *   await learner.observe(example);
 * }
 *
 * @throws AbortedError when the signal fires; ArgumentError for a label that is no class or a frame smaller than `shape`.
 */
export async function* cameraStream(
  frames: AsyncIterable<Frame>,
  options: CameraStreamOptions,
): AsyncGenerator<StreamExample> {
  const { shape, label, from = 0, signal } = options;
  let position = from;
  for await (const frame of frames) {
    throwIfAborted(signal, 'cameraStream');
    const y = await label(frame);
    if (y === undefined) continue;
    if (!Number.isInteger(y) || y < 0) {
      throw new ArgumentError(`cameraStream: a label must be an integer ≥ 0 or undefined, got ${y}.`);
    }
    yield { x: frameToPixels(frame, shape), y, position: position++ };
  }
}

/** What {@link cameraFrames} needs of a `<video>` element. */
export interface VideoSource {
  /** Pixels of a row; 0 before the first picture. */
  readonly videoWidth: number;
  /** Rows; 0 before the first picture. */
  readonly videoHeight: number;
  /** Calls back once when the next picture is shown; returns a handle. */
  requestVideoFrameCallback(callback: () => void): number;
  /** Takes a call back, by its handle. */
  cancelVideoFrameCallback(handle: number): void;
}

/** What {@link cameraFrames} needs of a canvas' 2-d context. */
export interface FrameGrabber {
  /** Draws the picture that is shown. */
  drawImage(video: VideoSource, x: number, y: number): void;
  /** Reads pixels back. */
  getImageData(x: number, y: number, width: number, height: number): Frame;
}

/** Options of {@link cameraFrames}. */
export interface CameraFramesOptions {
  /** Makes what frames are drawn on. Default: an `OffscreenCanvas`. */
  readonly grabber?: (width: number, height: number) => FrameGrabber;
  /** Ends the frames. */
  readonly signal?: AbortSignal;
}

/**
 * The frames of a playing `<video>` whose `srcObject` is a `MediaStream`, the newest one each time one is asked for.
 * Ends when the signal fires.
 */
export async function* cameraFrames(
  video: VideoSource,
  options: CameraFramesOptions = {},
): AsyncGenerator<Frame> {
  const { grabber = offscreen, signal } = options;
  let canvas: FrameGrabber | undefined;
  let size = '';
  while (await nextFrame(video, signal)) {
    const { videoWidth: width, videoHeight: height } = video;
    if (width === 0 || height === 0) continue; // not playing yet
    if (canvas === undefined || size !== `${width}×${height}`) canvas = grabber(width, height);
    size = `${width}×${height}`;
    canvas.drawImage(video, 0, 0);
    yield canvas.getImageData(0, 0, width, height);
  }
}

/** Whether a frame came before the signal fired. */
function nextFrame(video: VideoSource, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve(false);
      return;
    }
    const stop = () => {
      video.cancelVideoFrameCallback(handle);
      resolve(false);
    };
    const handle = video.requestVideoFrameCallback(() => {
      signal?.removeEventListener('abort', stop);
      resolve(true);
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}

function offscreen(width: number, height: number): FrameGrabber {
  return new OffscreenCanvas(width, height).getContext('2d', {
    willReadFrequently: true,
  }) as unknown as FrameGrabber;
}

/**
 * The largest centred part of a frame with the proportions of `shape`, each pixel the mean of those it covers.
 *
 * @returns `[height, width, channels]`, bytes.
 * @throws ArgumentError where the frame is smaller than `shape`.
 */
export function frameToPixels(frame: Frame, shape: ImageShape): Uint8Array {
  const [height, width, channels] = shape;
  if (frame.width < width || frame.height < height || frame.data.length !== frame.width * frame.height * 4) {
    throw new ArgumentError(
      `frameToPixels: a frame must hold ${height}×${width} pixels or more, of 4 bytes each; got ${frame.height}×${frame.width} in ${frame.data.length} bytes.`,
    );
  }
  const scale = Math.min(frame.width / width, frame.height / height);
  const left = (frame.width - width * scale) / 2;
  const top = (frame.height - height * scale) / 2;
  const pixels = new Uint8Array(height * width * channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const mean = meanColour(
        frame,
        [Math.floor(top + row * scale), Math.floor(top + (row + 1) * scale)],
        [Math.floor(left + column * scale), Math.floor(left + (column + 1) * scale)],
      );
      const at = (row * width + column) * channels;
      if (channels === 1) pixels[at] = Math.round(0.299 * mean[0] + 0.587 * mean[1] + 0.114 * mean[2]);
      else for (let c = 0; c < 3; c++) pixels[at + c] = Math.round(mean[c]!);
    }
  }
  return pixels;
}

function meanColour(
  { width, data }: Frame,
  [fromRow, toRow]: readonly [number, number],
  [fromColumn, toColumn]: readonly [number, number],
): [red: number, green: number, blue: number] {
  const sum: [number, number, number] = [0, 0, 0];
  for (let row = fromRow; row < toRow; row++) {
    for (let column = fromColumn; column < toColumn; column++) {
      for (let c = 0; c < 3; c++) sum[c]! += data[(row * width + column) * 4 + c]!;
    }
  }
  const count = (toRow - fromRow) * (toColumn - fromColumn);
  return [sum[0] / count, sum[1] / count, sum[2] / count];
}
