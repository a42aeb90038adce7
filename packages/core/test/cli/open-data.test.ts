import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openData } from '../../src/cli/index.node.ts';
import { csvData } from '../../src/cli/csv-data.node.ts';
import { fitData } from '../../src/cli/fit-data.node.ts';
import { tsvData } from '../../src/cli/text-data.node.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockham-data-'));
});
afterEach(() => rm(folder, { recursive: true }));

const open = (name: string, options: Partial<Parameters<typeof openData>[1]> = {}) =>
  openData(at(name), { inputShape: [2], ...options });

/** An IDX file of bytes. */
function idx(shape: number[], values: number[]): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length);
  for (const [i, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, Uint8Array.from(values)]);
}

describe('openData', () => {
  it('reads a table: a header or none, the last column whole numbers or real ones', () => {
    const { train } = csvData('a,b,label\n1,2.5,0\n-3,4e1,1\n', 'x');
    expect(train).toEqual({
      size: 2,
      x: { values: Float32Array.of(1, 2.5, -3, 40), shape: [2] },
      y: { values: Int32Array.of(0, 1), shape: [] },
    });
    expect(csvData('1,0.5\n2,1.5', 'x', 0.5).train).toEqual({
      size: 2,
      x: { values: Float32Array.of(1, 2), shape: [1], scale: 0.5 },
      y: { values: Float32Array.of(0.5, 1.5), shape: [] },
    });
  });

  it.each([
    ['1,2,0\n1,2\n', 'row 2'],
    ['a,b\n1,x\n', 'row 2'],
    ['1,2,0\n1,,0\n', 'row 2'],
    ['1,2,0\n1,Infinity,0\n', 'row 2'],
    ['3\n', 'at least one input'],
    ['', 'at least one input'],
  ])('refuses the table %j and names the row', (text, message) => {
    expect(() => csvData(text, 'x')).toThrow(message);
  });

  it('reads texts by the names of their columns, and names the line that does not fit', () => {
    expect(tsvData('label\ttext\tsecond\n1\tone\ttwo\n', 'x')).toEqual({
      size: 1,
      first: ['one'],
      second: ['two'],
      labels: Int32Array.of(1),
    });
    expect(() => tsvData('text\tlabel\nfine\t0\nbad\n', 'x')).toThrow('line 3');
    expect(() => tsvData('text\tlabel\nfine\tgood\n', 'x')).toThrow('line 2');
    expect(() => tsvData('fine\t0\n', 'x')).toThrow('text and label');
  });

  it('reads a folder of IDX files, packed or not, and images get a channel', async () => {
    await mkdir(at('images'));
    await writeFile(at('images/train-images-idx3-ubyte'), idx([2, 1, 2], [1, 2, 3, 4]));
    await writeFile(at('images/train-labels-idx1-ubyte.gz'), gzipSync(idx([2], [7, 9])));
    const data = await open('images');
    expect(data.train).toEqual({
      size: 2,
      x: { values: Uint8Array.of(1, 2, 3, 4), shape: [1, 2, 1], scale: 1 / 255 },
      y: { values: Int32Array.of(7, 9), shape: [] },
    });
    expect(data.test).toBeUndefined();
    expect(fitData(data, [2]).train.x.shape).toEqual([2]);
    expect(fitData(data, [3])).toBe(data);
    await rm(at('images/train-labels-idx1-ubyte.gz'));
    await expect(open('images')).rejects.toMatchObject({ code: 'dataset-missing' });
  });

  it('takes the first examples, holds out the last, and says where data come from', async () => {
    await writeFile(at('data.csv'), Array.from({ length: 10 }, (_, i) => `${i},0,${i % 2}`).join('\n'));
    const { train, test, provenance, name } = await open('data.csv', { holdOut: 3, train: 4, test: 2 });
    expect([...train.x.values].filter((_, i) => i % 2 === 0)).toEqual([0, 1, 2, 3]);
    expect([...test!.x.values].filter((_, i) => i % 2 === 0)).toEqual([7, 8]);
    expect({ name, source: provenance.source }).toEqual({ name: 'data.csv', source: 'folder' });
    expect(provenance.checksums['data.csv']).toMatch(/^[0-9a-f]{64}$/);
    await expect(open('data.csv', { holdOut: 10 })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(open('data.csv', { train: 0 })).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('refuses a name that is none, a file of another kind, and text that is no UTF-8', async () => {
    await expect(open('nothing')).rejects.toThrow('mnist, fashion-mnist');
    await writeFile(at('data.xls'), '');
    await expect(open('data.xls')).rejects.toThrow('.npz, .csv or .tsv');
    await writeFile(at('data.csv'), Uint8Array.of(0xff, 0xfe));
    await expect(open('data.csv')).rejects.toMatchObject({ code: 'corrupt-file' });
    await writeFile(at('data.npz'), 'no archive');
    await expect(open('data.npz')).rejects.toMatchObject({ code: 'corrupt-file' });
  });
});
