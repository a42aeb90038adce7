import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mnist } from '@ockham/core/datasets/node';
import { fetchDataset } from '@ockham/core/datasets';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CIFAR10 } from '../../../packages/core/src/datasets/cifar-10.ts';
import { CIFAR100, CIFAR100_PREVIEW, TIN100 } from '../../../packages/core/src/datasets/cifar-100.ts';
import { FASHION_MNIST, MNIST } from '../../../packages/core/src/datasets/mnist.ts';
import { checkAddress, fetchSecurely } from '../../../packages/core/src/datasets/secure-fetch.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Of XML, which asks for it as a name; nobody fetches it. */
const NAMESPACE = 'http://www.w3.org/2000/svg';

const recipes = [MNIST, FASHION_MNIST, CIFAR10, CIFAR100, CIFAR100_PREVIEW, TIN100];

/** Addresses in code, not in comments, of the published packages and of the builder of the native engine. */
function addressesInSources(): string[] {
  const folders = [
    ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/src`),
    'tooling/native/src',
  ];
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
      .flatMap((name) => {
        const code = readFileSync(join(root, folder, name), 'utf8').replaceAll(
          /\/\*\*?[\s\S]*?\*\/|^\s*\/\/.*$/gm,
          '',
        );
        return [...code.matchAll(/['"`](?:https?|ftp):\/\/[^'"`\s]*/g)].map(([match]) => match.slice(1));
      }),
  );
}

describe('addresses', () => {
  it('in the sources are https, and every one of them is a mirror of files with a pinned SHA-256 and size', () => {
    const found = addressesInSources().filter((address) => address !== NAMESPACE);
    const mirrors = recipes.flatMap(({ forms }) =>
      forms.flatMap(({ mirrors: folders, files }) => {
        for (const { sha256, bytes } of files) {
          expect(sha256).toMatch(/^[0-9a-f]{64}$/);
          expect(bytes).toBeGreaterThan(0);
        }
        return folders;
      }),
    );
    expect(found.length).toBeGreaterThanOrEqual(5);
    expect([...new Set(found)].sort()).toEqual([...new Set(mirrors)].sort());
    expect(mirrors.every((address) => address.startsWith('https://'))).toBe(true);
  });

  it.each([
    'http://example.org/',
    'ftp://example.org/',
    'file:///etc/',
    'http://127.0.0.1.example.org/',
    'http://localhost.example.org/',
  ])(
    // prettier-ignore
    'are refused before anything is fetched: %s',
    async (baseUrl) => {
      const cache = await mkdtemp(join(tmpdir(), 'ockham-addresses-'));
      const wanted = { code: 'invalid-argument', message: expect.stringContaining('https://') };
      await expect(mnist({ baseUrl, cache, folder: cache, allowSample: false })).rejects.toMatchObject(
        wanted,
      );
      await expect(fetchDataset('mnist', { baseUrl })).rejects.toMatchObject(wanted);
      await rm(cache, { recursive: true });
    },
  );

  it.each([
    'https://example.org/',
    'http://localhost:8080/',
    'http://127.0.0.1/',
    'http://[::1]:1/',
    '/data/',
    'data/',
  ])('are taken: %s', (address) => {
    // prettier-ignore
    expect(() => checkAddress('test', address)).not.toThrow();
  });
});

describe('a redirect', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('from this machine to a place without https is not followed', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url!);
      response.writeHead(302, { location: 'http://example.org/stolen' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await expect(fetchSecurely(`http://127.0.0.1:${port}/file`)).rejects.toThrow(/redirects to http:\/\/example.org\/stolen, without https/); // prettier-ignore
    expect(asked).toEqual(['/file']);
    await new Promise((resolve) => server.close(resolve));
  });

  it('from https to http, be it to this machine, is not followed; one to https is, and not without end', async () => {
    const targets: Record<string, string> = {
      'https://a.example/1': 'https://b.example/2',
      'https://b.example/2': 'http://127.0.0.1/3',
      'https://a.example/loop': '/loop',
      'https://a.example/good': 'https://b.example/end',
    };
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: string) => {
      asked.push(url);
      const location = targets[url];
      return new Response(
        location ? null : 'content',
        location ? { status: 302, headers: { location } } : {},
      );
    });
    await expect(fetchSecurely('https://a.example/1')).rejects.toThrow(/without https/);
    expect(asked).toEqual(['https://a.example/1', 'https://b.example/2']);
    await expect(fetchSecurely('https://a.example/loop')).rejects.toThrow(/more than 5 times/);
    expect(await (await fetchSecurely('https://a.example/good')).text()).toBe('content');
  });
});
