import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProgressEvent } from '@ockham/core';
import { fetchDataset } from '@ockham/core/datasets';
import { cifar10, cifar100Preview, fashionMnist, mnist, tin100 } from '@ockham/core/datasets/node';
import { cacheFolder } from '../src/datasets/folders.node.ts';
import { loadDataset } from '../src/datasets/load.node.ts';
import type { DatasetOptions, SampleLoader } from '../src/datasets/load.node.ts';
import { parseMnistFiles } from '../src/datasets/mnist.ts';
import type { DatasetRecipe } from '../src/datasets/recipe.ts';
import { mnistFiles } from './made-datasets.ts';

const IMAGES = 'train-images-idx3-ubyte.gz';
const OCKHAM_DATA = process.env.OCKHAM_DATA;

const published = new Map(
  [
    ...mnistFiles(
      Array.from({ length: 90 }, (_, i) => i % 10),
      [7, 8],
    ),
  ].map(([name, bytes]) => [name, new Uint8Array(gzipSync(bytes))]),
);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A data set as small as it can be, with every rule of the real ones. */
const made = (mirrors: readonly string[] = []): DatasetRecipe => ({
  name: 'made',
  classes: [],
  forms: [
    {
      files: [...published].map(([name, bytes]) => ({ name, bytes: bytes.length, sha256: sha256(bytes) })),
      mirrors,
      parse: (files) => parseMnistFiles(files, 10, 'made'),
    },
  ],
});

let root: string;
let options: DatasetOptions & { readonly cache: string };
const load = (more: DatasetOptions = {}, mirrors: readonly string[] = [], sample?: SampleLoader) =>
  loadDataset('made', made(mirrors), { ...options, ...more }, sample);

beforeEach(async () => {
  vi.stubEnv('OCKHAM_DATA', '');
  vi.stubEnv('OCKHAM_CACHE', '');
  root = await mkdtemp(join(tmpdir(), 'ockham-providers-'));
  options = { cache: join(root, 'cache') };
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

async function writeAll(
  folder: string,
  change: (name: string, bytes: Uint8Array) => Uint8Array = (_, b) => b,
) {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of published) await writeFile(join(folder, name), change(name, bytes));
}

const altered = (name: string, bytes: Uint8Array) =>
  name === IMAGES ? bytes.map((byte, i) => (i === 500 ? byte ^ 1 : byte)) : bytes;

describe('the data folder', () => {
  it('is read from the option and from OCKHAM_DATA, with the checksums in the provenance', async () => {
    await writeAll(join(root, 'data', 'made'));
    const dataset = await load({ folder: join(root, 'data') });
    expect([dataset.train.size, dataset.test.size]).toEqual([90, 2]);
    expect(dataset.provenance).toStrictEqual({
      source: 'folder',
      checksums: Object.fromEntries([...published].map(([name, bytes]) => [name, sha256(bytes)])),
    });
    vi.stubEnv('OCKHAM_DATA', join(root, 'data'));
    expect((await load()).provenance.source).toBe('folder');
  });

  it('refuses a file with one byte changed and leaves it where it is', async () => {
    await writeAll(join(root, 'made'), altered);
    await expect(load({ folder: root })).rejects.toMatchObject({
      code: 'checksum-mismatch',
      message: expect.stringMatching(new RegExp(`^made: .*${IMAGES} must have the SHA-256 .* Delete it`)),
    });
    expect(new Uint8Array(await readFile(join(root, 'made', IMAGES)))).toEqual(
      altered(IMAGES, published.get(IMAGES)!),
    );
  });

  it('refuses a truncated gzip by that name', async () => {
    await writeAll(join(root, 'made'), (name, bytes) => (name === IMAGES ? bytes.subarray(0, -100) : bytes));
    await expect(load({ folder: root })).rejects.toMatchObject({
      code: 'corrupt-file',
      message: expect.stringContaining('cut off'),
    });
  });

  it('names the missing files where only some are there', async () => {
    await writeAll(join(root, 'made'));
    await rm(join(root, 'made', IMAGES));
    await expect(load({ folder: root })).rejects.toMatchObject({
      code: 'dataset-missing',
      message: expect.stringContaining(`missing: ${IMAGES}`),
    });
  });

  it('refuses a folder that is not there', async () => {
    vi.stubEnv('OCKHAM_DATA', join(root, 'nowhere'));
    await expect(load()).rejects.toMatchObject({
      code: 'dataset-missing',
      message: expect.stringContaining('OCKHAM_DATA must name a folder'),
    });
  });
});

describe('how much is kept', () => {
  it('is the first examples, at most all', async () => {
    await writeAll(join(root, 'made'));
    const { train, test } = await load({ folder: root, train: 3, test: 99 });
    expect([train.size, train.x.values.length, [...train.y.values], test.size]).toEqual([
      3,
      3 * 784,
      [0, 1, 2],
      2,
    ]);
  });

  it.each([{ train: 0 }, { test: 2.5 }, { train: NaN }])(
    'refuses %o before anything is read',
    async (wrong) => {
      await expect(load({ folder: root, ...wrong })).rejects.toMatchObject({ code: 'invalid-argument' });
    },
  );
});

describe('the cache', () => {
  it('is the same folder for every package of a workspace, where OCKHAM_CACHE is relative', () => {
    vi.stubEnv('OCKHAM_CACHE', 'beside');
    expect(cacheFolder(undefined)).toBe(resolve('../../beside/datasets'));
    expect(cacheFolder('own')).toBe(resolve('own/datasets'));
  });

  it('is read where the data folder has nothing, and checked', async () => {
    await writeAll(join(options.cache, 'datasets', 'made'));
    expect((await load({ folder: root })).provenance.source).toBe('cache');
    vi.stubEnv('OCKHAM_CACHE', options.cache);
    expect((await loadDataset('made', made(), {})).provenance.source).toBe('cache');
    await writeAll(join(options.cache, 'datasets', 'made'), altered);
    await expect(load()).rejects.toMatchObject({ code: 'checksum-mismatch' });
  });
});

type Answer = (request: IncomingMessage, response: ServerResponse, file: Uint8Array) => void;

const whole: Answer = (_, response, file) => {
  response.writeHead(200, { 'content-length': file.length }).end(file);
};
const ranged: Answer = (request, response, file) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from === 0) {
    whole(request, response, file);
    return;
  }
  const headers = {
    'content-length': file.length - from,
    'content-range': `bytes ${from}-${file.length - 1}/${file.length}`,
  };
  response.writeHead(206, headers).end(file.subarray(from));
};
const cutAfter =
  (bytes: number): Answer =>
  (request, response, file) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': file.length - from,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
    });
    response.write(file.subarray(from, from + bytes), () => response.destroy());
  };
const status =
  (code: number): Answer =>
  (_, response) => {
    response.writeHead(code).end('<html>no</html>');
  };

describe('a download', () => {
  let server: Server;
  let baseUrl: string;
  let answer: Answer;
  let ranges: (string | undefined)[]; // of each request for the images
  let home: string;

  beforeEach(async () => {
    ranges = [];
    answer = ranged;
    home = join(options.cache, 'datasets', 'made');
    server = createServer((request, response) => {
      const name = request.url!.slice(request.url!.lastIndexOf('/') + 1);
      if (name === IMAGES) ranges.push(request.headers.range);
      (name === IMAGES ? answer : ranged)(request, response, published.get(name)!);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('goes into the cache with progress, leaves nothing else there, and is not repeated', async () => {
    const events: ProgressEvent[] = [];
    const dataset = await load({ baseUrl, progress: (event) => events.push(event) });
    expect([dataset.train.size, dataset.provenance.source]).toEqual([90, 'download']);
    expect((await readdir(home)).sort()).toEqual([...published.keys()].sort());
    const size = published.get(IMAGES)!.length;
    expect(events.findLast(({ stage }) => stage === `download ${IMAGES}`)).toMatchObject({
      done: size,
      total: size,
    });
    expect((await load({ baseUrl })).provenance.source).toBe('cache');
    expect(ranges).toEqual([undefined]);
  });

  it('goes on after each cut connection from where it ended', async () => {
    answer = cutAfter(1500);
    expect((await load({ baseUrl })).train.size).toBe(90);
    expect(ranges.length).toBeGreaterThan(2);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range!))).toBe(true);
  });

  it('resumes what a former run left', async () => {
    await mkdir(home, { recursive: true });
    await writeFile(join(home, `${IMAGES}.part`), published.get(IMAGES)!.subarray(0, 1000));
    expect((await load({ baseUrl })).provenance.source).toBe('download');
    expect(ranges).toEqual(['bytes=1000-']);
  });

  it('starts anew where the server knows no ranges', async () => {
    answer = whole;
    await mkdir(home, { recursive: true });
    await writeFile(join(home, `${IMAGES}.part`), published.get(IMAGES)!.subarray(0, 1000));
    expect((await load({ baseUrl })).train.size).toBe(90);
  });

  it('discards a remainder that does not belong to the file, and starts anew', async () => {
    await mkdir(home, { recursive: true });
    await writeFile(join(home, `${IMAGES}.part`), new Uint8Array(1000).fill(1));
    expect((await load({ baseUrl })).train.size).toBe(90);
    expect(ranges).toEqual(['bytes=1000-', undefined]);
  });

  it('of other content is refused and not kept', async () => {
    answer = (request, response, file) => ranged(request, response, altered(IMAGES, file));
    await expect(load({ baseUrl })).rejects.toMatchObject({
      code: 'checksum-mismatch',
      message: expect.stringContaining('It was discarded'),
    });
    expect(await readdir(home)).toEqual([]);
  });

  it('takes the next mirror when one answers with an error, a wrong length or wrong content', async () => {
    const mirrors = [`${baseUrl}first/`, `${baseUrl}second/`];
    for (const first of [
      status(404),
      status(200),
      (request, response, file) => whole(request, response, altered(IMAGES, file)),
    ] as Answer[]) {
      answer = (request, response, file) =>
        (request.url!.startsWith('/first/') ? first : ranged)(request, response, file);
      expect((await load({}, mirrors)).provenance.source).toBe('download');
      await rm(home, { recursive: true });
    }
  });

  it('that no server gives is dataset-missing and says what to provide', async () => {
    answer = status(404);
    await expect(load({ baseUrl })).rejects.toMatchObject({
      code: 'dataset-missing',
      message: expect.stringMatching(
        /HTTP 404.*Put train-images-idx3-ubyte\.gz, .* into a folder named made and set OCKHAM_DATA/,
      ),
    });
  });

  it('is tried no more than offline allows', async () => {
    await expect(load({ baseUrl, offline: true })).rejects.toMatchObject({ code: 'dataset-missing' });
    expect(ranges).toEqual([]);
    expect(existsSync(options.cache)).toBe(false);
  });

  it('into a cache that cannot be written fails before anything is fetched, and names the way out', async () => {
    await writeFile(join(root, 'file'), 'kept');
    await expect(load({ baseUrl, cache: join(root, 'file') })).rejects.toMatchObject({
      code: 'storage-failed',
      message: expect.stringMatching(/file.*OCKHAM_CACHE/),
    });
    expect(ranges).toEqual([]);
    expect(await readFile(join(root, 'file'), 'utf8')).toBe('kept');
  });

  it('that is aborted keeps its part for the next run', async () => {
    const controller = new AbortController();
    const events: ProgressEvent[] = [];
    answer = (_, response, file) => {
      response.writeHead(200, { 'content-length': file.length });
      response.write(file.subarray(0, 1200)); // and no more
    };
    const progress = (event: ProgressEvent) => {
      events.push(event);
      controller.abort();
    };
    await expect(load({ baseUrl, progress, signal: controller.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(events).toEqual([
      { stage: `download ${IMAGES}`, done: 1200, total: published.get(IMAGES)!.length },
    ]);
    answer = ranged;
    expect((await load({ baseUrl })).train.size).toBe(90);
    expect(ranges).toEqual([undefined, 'bytes=1200-']);
  });

  it('twice at once gives both the file', async () => {
    answer = (request, response, file) => void setTimeout(() => ranged(request, response, file), 20);
    const [a, b] = await Promise.all([load({ baseUrl }), load({ baseUrl })]);
    expect(a.train.x.values).toEqual(b.train.x.values);
    expect((await readdir(home)).sort()).toEqual([...published.keys()].sort());
  });
});

describe('the embedded sample', () => {
  const nowhere = 'http://127.0.0.1:1/';

  it('stands in for MNIST where there is no network, and says so', async () => {
    const { train, test, classes, provenance } = await mnist({ ...options, baseUrl: nowhere });
    expect([train.size, test.size, classes.length]).toEqual([8000, 2000, 10]);
    expect(provenance).toMatchObject({
      source: 'embedded-sample',
      note: expect.stringMatching(/not MNIST's own split.*Used because the download failed/),
    });
    const counts = new Int32Array(10);
    for (const label of [...train.y.values, ...test.y.values]) counts[label]! += 1;
    expect([...counts]).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
    expect(new Set(test.y.values).size).toBe(10);
    expect(Math.max(...train.x.values.subarray(0, 784 * 100))).toBeGreaterThan(250);
  });

  it('is in the same order on every machine', async () => {
    const { train } = await mnist({ ...options, offline: true, train: 20 });
    expect([...train.y.values]).toEqual([3, 6, 0, 6, 2, 0, 9, 8, 9, 5, 8, 7, 1, 8, 9, 6, 0, 4, 9, 4]);
  });

  it('is refused on request, and there is none of Fashion-MNIST', async () => {
    const missing = { code: 'dataset-missing' };
    await expect(mnist({ ...options, offline: true, allowSample: false })).rejects.toMatchObject(missing);
    await expect(fashionMnist({ ...options, offline: true })).rejects.toMatchObject(missing);
    await expect(tin100({ ...options })).rejects.toMatchObject(missing);
    await expect(cifar10({ ...options, pixels: 'jpeg' })).rejects.toMatchObject(missing);
  });
});

describe('fetchDataset', () => {
  it('refuses an unknown name and a data set without a public address', async () => {
    await expect(fetchDataset('imagenet' as 'mnist')).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(fetchDataset('tin100-32')).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('baseUrl'),
    });
  });

  it('says what to do where the server gives nothing or something else', async () => {
    let reply = () => new Response('no', { status: 404 });
    vi.stubGlobal('fetch', async () => reply());
    try {
      const file = { code: 'dataset-missing', message: expect.stringMatching(/HTTP 404.*baseUrl/) };
      await expect(fetchDataset('mnist', { baseUrl: '/data/' })).rejects.toMatchObject(file);
      reply = () => new Response(new Uint8Array(9_912_422));
      await expect(fetchDataset('mnist')).rejects.toMatchObject({ code: 'checksum-mismatch' });
      reply = () => new Response(new Uint8Array(9_912_423));
      await expect(fetchDataset('mnist')).rejects.toMatchObject({
        message: expect.stringContaining('more than'),
      });
      reply = () => new Response('short');
      await expect(fetchDataset('mnist')).rejects.toMatchObject({
        message: expect.stringContaining('5 of 9912422'),
      });
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it.runIf(OCKHAM_DATA)('gives what the Node loader gives', async () => {
    vi.stubEnv('OCKHAM_DATA', OCKHAM_DATA);
    const fromNode = await mnist();
    const { dataFolder } = await import('../src/datasets/folders.node.ts');
    const folder = dataFolder('test', undefined)!;
    vi.stubGlobal(
      'fetch',
      async (url: string) => new Response(new Uint8Array(await readFile(join(folder, url)))),
    );
    try {
      const { train, test } = await fetchDataset('mnist', { baseUrl: 'mnist/' });
      expect(Buffer.compare(train.x.values as Uint8Array, fromNode.train.x.values as Uint8Array)).toBe(0);
      expect(test.y).toEqual(fromNode.test.y);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe.runIf(OCKHAM_DATA)('the official files', () => {
  beforeEach(() => vi.stubEnv('OCKHAM_DATA', OCKHAM_DATA));

  const histogram = (labels: ArrayLike<number>, classes = 10) => {
    const counts = new Array<number>(classes).fill(0);
    for (let i = 0; i < labels.length; i++) counts[labels[i]!]! += 1;
    return counts;
  };
  const moments = (values: ArrayLike<number>) => {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      const value = values[i]! / 255;
      sum += value;
      squares += value * value;
    }
    const mean = sum / values.length;
    return [mean, Math.sqrt(squares / values.length - mean * mean)];
  };

  it('of MNIST have the published label counts, mean and deviation', async () => {
    const { train, test } = await mnist();
    expect(histogram(train.y.values)).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    expect(histogram(test.y.values)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    const [mean, deviation] = moments(train.x.values);
    expect(mean).toBeCloseTo(0.1307, 4);
    expect(deviation).toBeCloseTo(0.3081, 4);
  });

  it('of Fashion-MNIST are balanced and have the published mean and deviation', async () => {
    const { train, test } = await fashionMnist();
    expect(histogram(train.y.values)).toEqual(new Array(10).fill(6000));
    expect(histogram(test.y.values)).toEqual(new Array(10).fill(1000));
    const [mean, deviation] = moments(train.x.values);
    expect(mean).toBeCloseTo(0.286, 4);
    expect(deviation).toBeCloseTo(0.353, 4);
  });

  it('of CIFAR-10 in part have the published label counts and say that they are a part', async () => {
    const { train, test, provenance } = await cifar10();
    expect(histogram(train.y.values)).toEqual([396, 366, 420, 384, 422, 393, 414, 385, 407, 413]);
    expect(histogram(test.y.values)).toEqual(new Array(10).fill(200));
    expect(provenance.note).toMatch(/JPEG/);
    const held = await cifar10({ holdOut: 1000, train: 500 });
    expect([held.train.size, held.test.size]).toEqual([500, 1000]);
    expect(held.test.y.values).toEqual(train.y.values.slice(3000));
  });

  it('of tin100-32 have 120 and 30 images a class and the published channel means', async () => {
    const { train, test, classes } = await tin100();
    expect(histogram(train.y.values, 100)).toEqual(new Array(100).fill(120));
    expect(histogram(test.y.values, 100)).toEqual(new Array(100).fill(30));
    expect(classes[0]).toBe('Egyptian cat');
    const sums = [0, 0, 0];
    for (let i = 0; i < train.x.values.length; i++) sums[i % 3]! += train.x.values[i]!;
    const means = sums.map((sum) => (3 * sum) / train.x.values.length);
    expect(means[0]).toBeCloseTo(122.78, 2);
    expect(means[1]).toBeCloseTo(113.47, 2);
    expect(means[2]).toBeCloseTo(101.53, 2);
  });

  it('of the CIFAR-100 preview have 67 of the 100 classes', async () => {
    const { train, classes } = await cifar100Preview();
    expect([train.size, new Set(train.y.values).size, classes.length]).toEqual([100, 67, 100]);
  });
});
