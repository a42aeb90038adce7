/** One attack each, by name, on the readers of files; what a random alteration seldom hits. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import '@tensorflow/tfjs';
import { OckhamError } from '@ockham/core';
import { molecules, tabular } from '@ockham/core/datasets/node';
import { parseIdx } from '@ockham/core/datasets';
import { decodeSnapshot, encodeSnapshot, gunzip, parseJson, readNpy, readNpz, readSafetensors, writeSafetensors } from '@ockham/core/files'; // prettier-ignore
import { writeFileAtomic } from '@ockham/core/files/node';
import { modelFromFile } from '@ockham/core/models';
import { decodeTable, encodeTable, fitTable } from '@ockham/count-sketch-embed';
import { openTable } from '@ockham/count-sketch-embed/reader';
import { folderOf } from '@ockham/deepspeed-lite/node';
import { readLibsvm } from '@ockham/feature-subsample';
import { decodeSparseModel } from '@ockham/fw-prune';
import { decodeAdapter } from '@ockham/lowrank';
import { parseMolecule, parseQasm } from '@ockham/quantum-game';
import { memory } from '@tensorflow/tfjs';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import { dump } from 'npyjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sealSnapshot } from '../src/formats/arrays.ts';

let home = '';
beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), 'ockham-attacks-'))));
afterAll(() => rm(home, { recursive: true }));

const text = (value: string) => new TextEncoder().encode(value);
const refused = { code: 'corrupt-file' };

/** What a reader throws; undefined where it reads. */
async function thrownBy(read: () => unknown): Promise<unknown> {
  try {
    await read();
  } catch (error) {
    return error;
  }
  return undefined;
}

const codeOf = (error: unknown) => (error as { readonly code?: string } | undefined)?.code;

function safetensors(header: string, data = new Uint8Array(0), length = header.length): Uint8Array {
  const bytes = new Uint8Array(8 + header.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text(header), 8);
  bytes.set(data, 8 + header.length);
  return bytes;
}

/** A snapshot with a header of one's own and the right checksum. */
function snapshot(header: string): Uint8Array {
  const bytes = new Uint8Array(16 + Math.ceil(header.length / 8) * 8 + 4);
  bytes.set(encodeSnapshot({ meta: {}, arrays: {} }).subarray(0, 16));
  new DataView(bytes.buffer).setUint32(12, header.length, true);
  bytes.set(text(header), 16);
  return sealSnapshot(bytes);
}

function npy(header: string, data = new Uint8Array(0), length = header.length): Uint8Array {
  const start = Uint8Array.from([0x93, ...text('NUMPY'), 2, 0, 0, 0, 0, 0]);
  new DataView(start.buffer).setUint32(8, length, true);
  return new Uint8Array(Buffer.concat([start, text(header), data]));
}

async function zip(entries: readonly (readonly [string, Uint8Array])[]): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { level: 9, useWebWorkers: false });
  for (const [name, content] of entries) await writer.add(name, new Uint8ArrayReader(content));
  return writer.close();
}

/** Rewrites the 4 bytes of a field in every record of a signature. */
function rewritten(bytes: Uint8Array, signature: number, offset: number, value: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + offset + 4 <= bytes.length; at++)
    if (view.getUint32(at, true) === signature) view.setUint32(at + offset, value, true);
  return bytes;
}
const [LOCAL, CENTRAL] = [0x04034b50, 0x02014b50];

describe('a header that claims more than the file holds takes no memory', () => {
  const huge = 2 ** 53;
  it.each<[string, () => unknown]>([
    ['safetensors, 2⁵³ bytes of header', () => readSafetensors(safetensors('{}', undefined, huge))],
    ['safetensors, 2⁶³ values', () => readSafetensors(safetensors('{"a":{"dtype":"F32","shape":[2147483648,4294967296],"data_offsets":[0,0]}}'))], // prettier-ignore
    ['safetensors, offsets past 2⁵³', () => readSafetensors(safetensors(`{"a":{"dtype":"U8","shape":[${huge - 2}],"data_offsets":[0,${huge - 2}]}}`))], // prettier-ignore
    ['npy, 4 GB of header', () => readNpy(npy('', undefined, 2 ** 32 - 1))],
    ['npy, a shape of 2⁶⁴', () => readNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"))], // prettier-ignore
    ['npy, a negative shape', () => readNpy(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (-1, -4), }", new Uint8Array(4)))], // prettier-ignore
    ['npy, a broken shape', () => readNpy(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2.5, 2), }", new Uint8Array(5)))], // prettier-ignore
    ['IDX of 255 dimensions', () => parseIdx(Uint8Array.from([0, 0, 8, 255, ...Array(255 * 4).fill(255)]))],
    ['a snapshot, 2⁵³ − 1 numbers', () => decodeSnapshot(snapshot(`{"meta":{},"arrays":[{"name":"a","type":"Float64Array","length":${huge - 1}}]}`))], // prettier-ignore
    ['a snapshot, a negative length', () => decodeSnapshot(snapshot('{"meta":{},"arrays":[{"name":"a","type":"Uint8Array","length":-8}]}'))], // prettier-ignore
    ['a snapshot, a length that is none', () => decodeSnapshot(snapshot('{"meta":{},"arrays":[{"name":"a","type":"Uint8Array","length":{"$number":"NaN"}}]}'))], // prettier-ignore
    ['a snapshot, a type that every object has', () => decodeSnapshot(snapshot('{"meta":{},"arrays":[{"name":"a","type":"constructor","length":0}]}'))], // prettier-ignore
    ['a sparse model of 2⁴⁰ zeros', () => decodeSparseModel(encodeSnapshot({ meta: { kind: 'ockham-sparse-model', values: 'float32', topology: {}, weights: [{ name: 'a', shape: [2 ** 20, 2 ** 20], format: 'gaps' }] }, arrays: { '0.index': new Uint8Array(0), '0.values': new Uint8Array(0) } }))], // prettier-ignore
    ['a LIBSVM line that names feature 4·10¹²', () => readLibsvm('1 4000000000000:1\n')],
    ['a safetensors of 2⁵³ bytes for the small reader', () => openTable(safetensors('{}', undefined, huge))],
  ])('%s', async (_, read) => {
    const before = process.memoryUsage().arrayBuffers;
    expect(await thrownBy(read)).toMatchObject(refused);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
  });
});

describe('a model that names more weights than its file has', () => {
  const dense = (units: number) => ({
    class_name: 'Sequential',
    config: { name: 'm', layers: [
      { class_name: 'Dense', config: { name: 'a', units: 4, batch_input_shape: [null, 3], dtype: 'float32' } },
      { class_name: 'Dense', config: { name: 'b', units } },
    ] },
  }); // prettier-ignore
  it('is refused before it takes memory, and leaves no tensor', async () => {
    const tensors = memory().numTensors;
    expect(await thrownBy(() => modelFromFile('test', { modelTopology: dense(2 ** 27) }, 26))).toMatchObject({
      ...refused,
      message: expect.stringMatching(/no more than the 26 weights.*b asks for kernel of \[4, 134217728\]/),
    });
    expect(memory().numTensors).toBe(tensors);
    const model = await modelFromFile('test', { modelTopology: dense(2) }, 26);
    expect(model.countParams()).toBe(26);
    model.dispose();
  });

  it.each(['__proto__', 'constructor', 'toString', 'NoSuchLayer'])(
    'or a class called %s is refused too',
    async (name) => {
      const modelTopology = {
        class_name: 'Sequential',
        config: { name: 'm', layers: [{ class_name: name, config: {} }] },
      };
      expect(await thrownBy(() => modelFromFile('test', { modelTopology }, 10))).toMatchObject(refused);
    },
  );
});

describe('JSON', () => {
  it.each([
    ['the same key twice', '{"a":1,"b":{"a":2},"a":3}'],
    ['the same key twice, once by an escape', '{"a":1,"\\u0061":3}'],
    ['__proto__', '{"a":{"__proto__":{"polluted":1}}}'],
    ['__proto__ by an escape', '{"__\\u0070roto__":1}'],
    ['a number that is infinite', '[1e999]'],
    ['nesting', '['.repeat(1e5)],
    ['an end in a text', '{"a":"b'],
    ['NaN', '[NaN]'],
  ])('with %s is refused', async (_, json) => {
    expect(await thrownBy(() => parseJson(json, 'test'))).toMatchObject(refused);
    expect(await thrownBy(() => readSafetensors(safetensors(json)))).toMatchObject(refused);
    expect(await thrownBy(() => decodeSnapshot(snapshot(`{"meta":${json},"arrays":[]}`)))).toMatchObject(
      refused,
    );
    expect(await thrownBy(() => parseMolecule(json))).toMatchObject(refused);
  });

  it('that is sound is read as JSON.parse reads it, and no prototype changes', () => {
    const json = '{"constructor":{"prototype":{"polluted":1}},"a":[1,-0.5e3,"\\"{[",true,null],"b":{"a":{}}}';
    expect(parseJson(json, 'test')).toEqual(JSON.parse(json));
    expect('polluted' in {}).toBe(false);
  });
});

describe('an archive', () => {
  const array = (values: number) => new Uint8Array(dump(new Uint8Array(values), [values]));

  it('that unpacks to more than the limit is refused', async () => {
    const bomb = await zip([['a.npy', array(2 ** 22)]]);
    expect(bomb.length).toBeLessThan(2 ** 14);
    expect(await thrownBy(() => readNpz(bomb, 'test', { most: 2 ** 20 }))).toMatchObject(refused);
    expect((await readNpz(bomb, 'test')).get('a')!.shape).toEqual([2 ** 22]);
  });

  it('that unpacks to more than it declares is refused at the size that it declares', async () => {
    const bomb = rewritten(
      rewritten(await zip([['a.npy', array(2 ** 22)]]), LOCAL, 22, 100),
      CENTRAL,
      24,
      100,
    );
    expect(await thrownBy(() => readNpz(bomb))).toMatchObject(refused);
  });

  it('that declares more than its bytes can hold is refused', async () => {
    const bytes = await zip([['a.npy', array(10)]]);
    expect(await thrownBy(() => readNpz(rewritten(bytes, CENTRAL, 24, 2 ** 29)))).toMatchObject({
      message: expect.stringContaining('cannot hold'),
    });
  });

  it('whose entries share their bytes is refused', async () => {
    const bytes = await zip([['a.npy', array(1000)], ['b.npy', array(1000)]]); // prettier-ignore
    expect(await thrownBy(() => readNpz(rewritten(bytes, CENTRAL, 42, 0)))).toMatchObject(refused);
  });

  it('with a name that leads out of a folder is refused or read as a name of an array: nothing is written', async () => {
    const outside = join(home, '..', 'ockham-slipped.npy');
    const sound = Buffer.from(await zip([['xx/ockham-slipped.npy', array(3)]]));
    const slipped = Buffer.from(sound.toString('latin1').replaceAll('xx/ockham', '../ockham'), 'latin1');
    expect(slipped.equals(sound)).toBe(false);
    expect([undefined, 'corrupt-file']).toContain(codeOf(await thrownBy(() => readNpz(slipped))));
    await expect(readFile(outside)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('of gzip stops at its limit, wherever it is read', async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(2 ** 22)));
    expect(await thrownBy(() => gunzip(bomb, 'test', 2 ** 20))).toMatchObject(refused);
    expect(await gunzip(bomb)).toHaveLength(2 ** 22);
    await mkdir(join(home, 'tabular'));
    await writeFile(join(home, 'tabular', 'bomb.gz'), bomb);
    expect(await thrownBy(() => tabular(['bomb'], { folder: home, most: 2 ** 20 }))).toMatchObject(refused);
  });
});

describe('a name in a file', () => {
  it.each(['../outside', '/etc/passwd', '..', 'a/b', 'a\\b', '', 'a\0b'])(
    'cannot lead out of a folder: %j',
    async (name) => {
      expect(await thrownBy(() => folderOf(home)(name))).toMatchObject(refused);
      expect(await thrownBy(() => tabular([name], { folder: home }))).toBeInstanceOf(OckhamError);
      await mkdir(join(home, 'molecules'), { recursive: true });
      await writeFile(join(home, 'molecules', 'index.json'), JSON.stringify({ hamiltonians: [{ name }] }));
      expect(await thrownBy(() => molecules({ folder: home }))).toBeInstanceOf(OckhamError);
    },
  );

  it('a link in the place of a file is replaced, and what it leads to is not written', async () => {
    const target = join(home, 'target');
    await writeFile(target, 'kept');
    await symlink(target, join(home, 'link'));
    await writeFileAtomic(join(home, 'link'), text('new'));
    expect(await readFile(target, 'utf8')).toBe('kept');
    expect(await readFile(join(home, 'link'), 'utf8')).toBe('new');
  });
});

// each takes hours where a pattern or a walk goes back and forth; the test's own limit ends it
describe('a text made to take long ends at once', () => {
  const many = 20_000;
  it.each<[string, () => unknown]>([
    ['QASM, comments that never close', () => parseQasm('/*'.repeat(many))],
    ['QASM, gates in gates, 2⁴⁰', () => parseQasm(doubling(40))],
    ['QASM, a gate in itself', () => parseQasm('qubit q;\ngate g a { g a; }\ng q;')],
    ['QASM, a barrier without an end', () => parseQasm('qubit q;\ngate g a { barrier a }\ng q;')],
    ['QASM, parentheses', () => parseQasm(`qubit q;\nrz(${'('.repeat(many)}) q;`)],
    ['QASM, signs', () => parseQasm(`qubit q;\nrz(${'-'.repeat(many)}1) q;`)],
    ['QASM, modifiers', () => parseQasm(`qubit q;\n${'inv @ '.repeat(many)}x q;`)],
    ['QASM, operands', () => parseQasm(`qubit q;\nx ${'q,'.repeat(many)}q;`)],
    ['LIBSVM, signs of comments', () => readLibsvm(`${'#'.repeat(many)}\r x`)],
    ['npy, a header of many shapes', () => readNpy(npy("'shape':(".repeat(many)))],
    ['an adapter with a long name', () => decodeAdapter(writeSafetensors(new Map([[`base_model.model.${'a.lora_magnitude_vector'.repeat(many)}!`, { shape: [1], values: Float32Array.of(1) }]])), '{"peft_type":"LORA","r":1}')], // prettier-ignore
  ])('%s', async (_, read) => {
    expect(await thrownBy(read)).toMatchObject(refused);
  });

  function doubling(levels: number): string {
    const gates = Array.from({ length: levels }, (_, i) => `gate g${i + 1} a { g${i} a; g${i} a; }`);
    return `qubit q;\ngate g0 a { x a; }\n${gates.join('\n')}\ng${levels} q;`;
  }
});

describe('a table', () => {
  const values = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i));
  const { layer } = fitTable(
    { values, vocabulary: 20, dimension: 2 },
    { method: 'count-sketch', rows: 7, hashes: 2 },
    { seed: 1 },
  );
  const bytes = new Uint8Array(encodeTable(layer));
  layer.dispose();
  const edited = (from: RegExp, to: string) => {
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = new TextDecoder().decode(bytes.subarray(8, 8 + length)).replace(from, to);
    return safetensors(header, bytes.subarray(8 + length));
  };

  it.each([
    ['of 2⁵⁰ tokens', /\\"vocabulary\\":20/, '\\"vocabulary\\":1125899906842624'],
    ['of 10⁹ hashes', /\\"hashes\\":2/, '\\"hashes\\":1000000000'],
    ['of more rows than it holds', /\\"rows\\":7/, '\\"rows\\":700000000'],
    ['of the class constructor', /"class":"\w+"/, '"class":"constructor"'],
    ['of the class __proto__', /"class":"\w+"/, '"class":"__proto__"'],
  ])('%s is refused by both readers', async (_, from, to) => {
    const altered = edited(from, to);
    expect(altered).not.toEqual(bytes);
    expect(await thrownBy(() => decodeTable(altered))).toMatchObject(refused);
    const small = await thrownBy(() => openTable(altered).rowsOf([0]));
    if (!/tokens/.test(_)) expect(small).toMatchObject(refused); // a reader that hashes on demand needs no room for tokens
  });
});
