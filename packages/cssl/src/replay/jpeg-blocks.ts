import type { ImageShape } from '../image.ts';
import {
  HUFFMAN,
  huffmanCodes,
  quantisation,
  ZIGZAG,
  type Component,
  type HuffmanCodes,
} from './jpeg-tables.ts';

const BLOCK = 8;
const NO_MORE = 0x00; // the rest of the block is zero
const SIXTEEN_ZEROS = 0xf0;

// orthonormal: COSINES[frequency * 8 + sample]
const COSINES = Float64Array.from({ length: 64 }, (_, at) => {
  const [frequency, sample] = [at >> 3, at & 7];
  return Math.cos(((2 * sample + 1) * frequency * Math.PI) / 16) * (frequency === 0 ? Math.SQRT1_2 : 1) * 0.5;
});

interface Tables {
  readonly divisors: Uint8Array;
  readonly dc: HuffmanCodes;
  readonly ac: HuffmanCodes;
}

/** Bits from the high end of each byte down; a byte 0xff is followed by 0, so that it is no marker. */
class BitWriter {
  bytes: Uint8Array = new Uint8Array(4096);
  length = 0;
  #held = 0;
  #word = 0;

  start(): void {
    this.length = 0;
  }

  /** @param count At most 16. */
  write(value: number, count: number): void {
    this.#word = (this.#word << count) | value;
    this.#held += count;
    while (this.#held >= 8) {
      this.#held -= 8;
      this.#push((this.#word >> this.#held) & 0xff);
    }
    this.#word &= 0xff;
  }

  /** Fills the last byte with ones. */
  finish(): Uint8Array {
    if (this.#held > 0) this.write(0xff >> this.#held, 8 - this.#held);
    return this.bytes.subarray(0, this.length);
  }

  #push(byte: number): void {
    if (this.length + 2 > this.bytes.length) {
      const larger = new Uint8Array(2 * this.bytes.length);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes[this.length++] = byte;
    if (byte === 0xff) this.bytes[this.length++] = 0;
  }
}

/**
 * Codes images as the scan of a baseline JPEG file (ITU-T T.81), with the standard's own Huffman tables: YCbCr at full
 * resolution, or one component for grey. The library that decodes (jpeg-js) could code too, but it would make its
 * tables anew for every image, which takes longer than a step of training, needs Node's Buffer, and knows no grey.
 */
export class BlockWriter {
  readonly #bits = new BitWriter();
  readonly #tables: Readonly<Record<Component, Tables>>;
  readonly #samples = new Float64Array(64);
  readonly #between = new Float64Array(64);
  readonly #levels = new Int32Array(64); // in the order of the scan

  constructor(quality: number) {
    const tables = (component: Component): Tables => ({
      divisors: quantisation(component, quality),
      dc: huffmanCodes(HUFFMAN[component].dc),
      ac: huffmanCodes(HUFFMAN[component].ac),
    });
    this.#tables = { luminance: tables('luminance'), chrominance: tables('chrominance') };
  }

  /** @returns the coded blocks; overwritten by the next call */
  encode(pixels: Uint8Array, [height, width, channels]: ImageShape): Uint8Array {
    const { luminance, chrominance } = this.#tables;
    this.#bits.start();
    const last = [0, 0, 0]; // the mean of the block before, of each component
    for (let y = 0; y < height; y += BLOCK) {
      for (let x = 0; x < width; x += BLOCK) {
        for (let c = 0; c < channels; c++) {
          this.#load(pixels, height, width, channels, y, x, c);
          const tables = c === 0 ? luminance : chrominance;
          this.#transform(tables.divisors);
          this.#write(tables, last[c]!);
          last[c] = this.#levels[0]!;
        }
      }
    }
    return this.#bits.finish();
  }

  /** One component of one block, around 0; beyond the image its edge goes on. */
  #load(
    pixels: Uint8Array,
    height: number,
    width: number,
    channels: number,
    y: number,
    x: number,
    component: number,
  ): void {
    for (let i = 0; i < 64; i++) {
      const row = Math.min(y + (i >> 3), height - 1);
      const at = (row * width + Math.min(x + (i & 7), width - 1)) * channels;
      this.#samples[i] =
        channels === 1
          ? pixels[at]! - 128
          : toYCbCr(component, pixels[at]!, pixels[at + 1]!, pixels[at + 2]!);
    }
  }

  /** The discrete cosine transform, divided and rounded. */
  #transform(divisors: Uint8Array): void {
    const samples = this.#samples;
    const between = this.#between;
    for (let row = 0; row < 64; row += 8) {
      for (let f = 0; f < 64; f += 8) {
        let sum = 0;
        for (let i = 0; i < 8; i++) sum += COSINES[f + i]! * samples[row + i]!;
        between[row + (f >> 3)] = sum;
      }
    }
    for (let k = 0; k < 64; k++) {
      const at = ZIGZAG[k]!;
      const f = at & ~7;
      let sum = 0;
      for (let i = 0; i < 8; i++) sum += COSINES[f + i]! * between[i * 8 + (at & 7)]!;
      this.#levels[k] = Math.round(sum / divisors[at]!);
    }
  }

  #write({ dc, ac }: Tables, before: number): void {
    const levels = this.#levels;
    this.#writeLevel(dc, 0, levels[0]! - before);
    let zeros = 0;
    for (let k = 1; k < 64; k++) {
      if (levels[k] === 0) {
        zeros += 1;
        continue;
      }
      for (; zeros >= 16; zeros -= 16) this.#bits.write(ac.codes[SIXTEEN_ZEROS]!, ac.lengths[SIXTEEN_ZEROS]!);
      this.#writeLevel(ac, zeros, levels[k]!);
      zeros = 0;
    }
    if (zeros > 0) this.#bits.write(ac.codes[NO_MORE]!, ac.lengths[NO_MORE]!);
  }

  /** The zeros before it and its number of bits as one symbol, then the bits; of a negative number, one less. */
  #writeLevel({ codes, lengths }: HuffmanCodes, zeros: number, level: number): void {
    const size = 32 - Math.clz32(Math.abs(level));
    const symbol = zeros * 16 + size;
    this.#bits.write(codes[symbol]!, lengths[symbol]!);
    if (size > 0) this.#bits.write(level > 0 ? level : level + (1 << size) - 1, size);
  }
}

/** Y − 128, Cb or Cr of a colour (JFIF). */
function toYCbCr(component: number, red: number, green: number, blue: number): number {
  if (component === 0) return 0.299 * red + 0.587 * green + 0.114 * blue - 128;
  if (component === 1) return -0.168736 * red - 0.331264 * green + 0.5 * blue;
  return 0.5 * red - 0.418688 * green - 0.081312 * blue;
}
