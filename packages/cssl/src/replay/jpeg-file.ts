import type { ImageShape } from '../image.ts';
import { HUFFMAN, quantisation, ZIGZAG, type Component, type HuffmanTable } from './jpeg-tables.ts';

const BLOCK = 8;
const RST0 = 0xd0;
const END = [0xff, 0xd9];

/** Rows from the top of one image of a file to that of the next. */
export function paddedHeight(height: number): number {
  return Math.ceil(height / BLOCK) * BLOCK;
}

/** What comes before the coded blocks of a file with `images` images below each other. */
export function jpegHeader(
  [height, width, channels]: ImageShape,
  quality: number,
  images: number,
): Uint8Array {
  const components: readonly Component[] =
    channels === 1 ? ['luminance'] : ['luminance', 'chrominance', 'chrominance'];
  const used = components.slice(0, 2);
  const rows = images === 1 ? height : paddedHeight(height) * images;
  const blocks = Math.ceil(height / BLOCK) * Math.ceil(width / BLOCK);
  const table = (component: Component): number => used.indexOf(component);
  return Uint8Array.from([
    0xff,
    0xd8,
    ...segment(
      0xdb,
      used.flatMap((name) => [table(name), ...inScanOrder(quantisation(name, quality))]),
    ),
    ...segment(0xc0, [
      8,
      ...word(rows),
      ...word(width),
      channels,
      ...components.flatMap((name, i) => [i + 1, 0x11, table(name)]),
    ]),
    ...segment(
      0xc4,
      used.flatMap((name) => [
        ...huffman(table(name), HUFFMAN[name].dc),
        ...huffman(0x10 + table(name), HUFFMAN[name].ac),
      ]),
    ),
    ...(images === 1 ? [] : segment(0xdd, word(blocks))), // a restart after so many blocks
    ...segment(0xda, [channels, ...components.flatMap((name, i) => [i + 1, 0x11 * table(name)]), 0, 63, 0]),
  ]);
}

/**
 * A file of the images whose coded blocks are given, after the header for as many. A restart marker between two makes the
 * decoder begin the second as if it were the first, so each is decoded exactly as alone, and the tables are read once.
 */
export function jpegFile(header: Uint8Array, records: readonly Uint8Array[]): Uint8Array {
  const length = records.reduce((sum, record) => sum + record.length + END.length, header.length);
  const file = new Uint8Array(length);
  file.set(header);
  let at = header.length;
  records.forEach((record, i) => {
    file.set(record, at);
    at += record.length;
    file.set(i === records.length - 1 ? END : [0xff, RST0 + (i % 8)], at);
    at += END.length;
  });
  return file;
}

function inScanOrder(values: Uint8Array): Uint8Array {
  return ZIGZAG.map((at) => values[at]!);
}

function segment(type: number, content: readonly number[]): number[] {
  return [0xff, type, ...word(content.length + 2), ...content];
}

function word(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}

function huffman(name: number, { counts, symbols }: HuffmanTable): number[] {
  return [name, ...counts, ...symbols];
}
