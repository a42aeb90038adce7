/** Several processes, one cache; some of them are killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('fixtures/download.script.ts', import.meta.url));
const content = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) >> 3));
const sha256 = createHash('sha256').update(content).digest('hex');
const HELD = 150_000; // bytes after which the server waits

let folder = '';
let server: Server;
let hold = true;
let address = '';
let ranges: (string | undefined)[] = [];

beforeEach(async () => {
  [folder, hold, ranges] = [await mkdtemp(join(tmpdir(), 'ockham-cache-')), true, []];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { range } = request.headers;
    ranges.push(range);
    const from = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
    const headers = {
      'content-length': content.length - from,
      'content-range': `bytes ${from}-${content.length - 1}/${content.length}`,
    };
    response.writeHead(from > 0 ? 206 : 200, headers);
    if (from < HELD) response.write(content.subarray(from, HELD));
    while (hold && !response.destroyed) await pause(10);
    response.end(content.subarray(Math.max(from, HELD)));
  };
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

function start(): { child: ChildProcess; ended: Promise<string> } {
  const words = [address, folder, String(content.length), sha256];
  const child = spawn(process.execPath, ['--conditions=@ockham/source', SCRIPT, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  return { child, ended: once(child, 'close').then(([, signal]) => (signal as string | null) ?? said) };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(10);
}

const partHas = async (bytes: number) => (await stat(join(folder, 'file.bin.part')).catch(() => ({ size: 0 }))).size >= bytes; // prettier-ignore

it('two processes download one file, one of them is killed half-way: the other ends with the published bytes', async () => {
  const [a, b] = [start(), start()];
  await until(() => ranges.length === 2);
  await until(() => partHas(HELD));
  a.child.kill('SIGKILL');
  expect(await a.ended).toBe('SIGKILL');
  hold = false;
  expect(await b.ended).toBe('done');
  expect(content.equals(await readFile(join(folder, 'file.bin')))).toBe(true);
  expect(await readdir(folder)).toEqual(['file.bin']);
}, 180_000);

it('a download that was killed goes on from its last byte, and a third process finds the file there', async () => {
  const a = start();
  await until(() => partHas(HELD));
  a.child.kill('SIGKILL');
  await a.ended;
  hold = false;
  expect(await start().ended).toBe('done');
  expect(await start().ended).toBe('done');
  expect(ranges).toEqual([undefined, `bytes=${HELD}-`]);
  expect(content.equals(await readFile(join(folder, 'file.bin')))).toBe(true);
}, 180_000);
