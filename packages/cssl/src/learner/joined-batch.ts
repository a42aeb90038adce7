import { pixelsOf } from '../replay/codec.ts';
import type { ImageBatch, ImageShape } from '../image.ts';
import type { ReplayBuffer } from '../replay/index.ts';
import type { Head } from './head.ts';
import type { CheckedExample } from './images.ts';

/** Makes batches of the new examples, then the replayed ones, as they are before augmentation. */
export class JoinedBatches {
  readonly #shape: ImageShape;
  #pixels = new Float32Array(0); // used again by every batch

  constructor(shape: ImageShape) {
    this.#shape = shape;
  }

  /** @param head Knows the labels of all of them. */
  join(head: Head, examples: readonly CheckedExample[], buffer: ReplayBuffer, slots: Int32Array): ImageBatch {
    const width = pixelsOf(this.#shape);
    const size = examples.length + slots.length;
    const classes = head.labels.length;
    if (this.#pixels.length < size * width) this.#pixels = new Float32Array(size * width);
    const pixels = this.#pixels.subarray(0, size * width);
    const targets = new Float32Array(size * classes);
    for (const [i, { pixels: image, label }] of examples.entries()) {
      pixels.set(image, i * width);
      targets[i * classes + head.outputOf(label)!] = 1;
    }
    buffer.read(slots, pixels, examples.length * width);
    for (const [i, slot] of slots.entries())
      targets[(examples.length + i) * classes + head.outputOf(buffer.labelAt(slot))!] = 1;
    return { shape: this.#shape, size, pixels, classes, targets };
  }
}
