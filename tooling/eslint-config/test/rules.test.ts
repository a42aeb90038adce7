import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../../../packages/', import.meta.url));
const linters = new Map<string, ESLint>();

/** The rules that `code` breaks when it stands in `packages/<path>`, linted by that package's own configuration. */
async function broken(path: string, code: string): Promise<string[]> {
  const cwd = `${packages}${path.split('/')[0]!}`;
  const linter = linters.get(cwd) ?? new ESLint({ cwd });
  linters.set(cwd, linter);
  const [result] = await linter.lintText(code, { filePath: packages + path });
  return result!.messages.map((m) => (m.fatal ? m.message : m.ruleId!));
}

const isomorphic = 'core/src/errors.ts';
const node = 'core/src/backend/native.node.ts';
const method = 'fw-prune/src/sparse-file.ts';

const refused: [why: string, file: string, code: string, rule: string][] = [
  ['a Node built-in by prefix', isomorphic, `export * from 'node:fs';`, 'ockham/boundaries'],
  ['a bare Node built-in', isomorphic, `export * from 'path';`, 'ockham/boundaries'],
  ['a built-in of a sub-path', method, `export * from 'fs/promises';`, 'ockham/boundaries'],
  ['a dynamic import of a built-in', isomorphic, `export const f = import('node:os');`, 'ockham/boundaries'],
  ['the type of a built-in', isomorphic, `export type F = import('node:fs').Stats;`, 'ockham/boundaries'],
  ['a Node file', isomorphic, `export * from './backend/native.node.ts';`, 'ockham/boundaries'],
  ['a file under /node/', isomorphic, `export * from './files/node/atomic.ts';`, 'ockham/boundaries'],
  ['a Node entry of core', method, `export * from '@ockham/core/files/node';`, 'ockham/boundaries'],
  ['a method, from core', isomorphic, `export * from '@ockham/fw-prune';`, 'ockham/boundaries'],
  ['core by its name, from core', isomorphic, `export * from '@ockham/core/random';`, 'ockham/boundaries'],
  ['another method', method, `export * from '@ockham/lowrank';`, 'ockham/boundaries'],
  ['the source of another method', method, `export * from '../../lowrank/src/lora.ts';`, 'ockham/boundaries'],
  ['the source of core by path', method, `export * from '../../core/src/errors.ts';`, 'ockham/boundaries'],
  ['a file beside src', method, `export * from '../test/setup.ts';`, 'ockham/boundaries'],
  ['the reproduction runner', method, `export * from '@ockham/reproduce';`, 'ockham/boundaries'],
  ['the bench harness, from a Node file', node, `export * from '@ockham/bench';`, 'ockham/boundaries'],
  ['tooling by path', method, `export * from '../../../tooling/bench/src/index.ts';`, 'ockham/boundaries'],
  ['the tfjs union', method, `export * from '@tensorflow/tfjs';`, 'ockham/boundaries'],
  ['tfjs-node', isomorphic, `export const f = import('@tensorflow/tfjs-node');`, 'ockham/boundaries'],
  [
    'the registration of chained ops',
    method,
    `import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';`,
    'ockham/boundaries',
  ],
  [
    'a chained op',
    method,
    `import type { Tensor } from '@tensorflow/tfjs-core';\nexport const f = (x: Tensor): Tensor => x.square();`,
    'ockham/no-chained-ops',
  ],
  ['Math.random', method, `export const f = (): number => Math.random();`, 'no-restricted-properties'],
  ['console', method, `export const f = (): void => console.warn('x');`, 'no-console'],
  ['the global process', isomorphic, `export const f = process.argv;`, 'no-restricted-globals'],
  [
    'any',
    method,
    `export const f = (x: any): number => 1 + Number(x);`,
    '@typescript-eslint/no-explicit-any',
  ],
  ['code in an index', 'core/src/index.ts', `export const f = 1;`, 'no-restricted-syntax'],
];

const allowed: [what: string, file: string, code: string][] = [
  ['a built-in in a Node file', node, `export * from 'node:fs';`],
  ['a Node file from a Node file', node, `export * from '../files/atomic.node.ts';`],
  ['an isomorphic file from a Node file', node, `export * from '../errors.ts';`],
  ['tfjs-node in a Node file', node, `export const f = import('@tensorflow/tfjs-node');`],
  ['the tfjs union in a bin', 'fw-prune/src/bin.node.ts', `export const f = import('@tensorflow/tfjs');`],
  ['process in a Node file', node, `export const f = process.argv;`],
  ['a sibling room of core', isomorphic, `export * from './random/random.ts';`],
  ['core from a method', method, `export * from '@ockham/core/random';`],
  ['a Node entry from a Node file', 'fw-prune/src/index.node.ts', `export * from '@ockham/core/files/node';`],
  ['a registry package', isomorphic, `export * from 'pure-rand/generator/xoroshiro128plus';`],
  ['a file whose name merely contains node', isomorphic, `export * from './nodes.ts';`],
  [
    'functional ops and the own methods of a tensor',
    method,
    `import { square, type Tensor } from '@tensorflow/tfjs-core';\n` +
      `export const f = (x: Tensor): Float32Array => square(x).dataSync<'float32'>();`,
  ],
  [
    'tooling and the union in an experiment',
    'fw-prune/vitest.config.ts',
    `export * from '@ockham/vitest-config';`,
  ],
];

describe('in the sources of a published package', () => {
  it.each(refused)('%s is refused', async (_, file, code, rule) => {
    expect(await broken(file, code)).toContain(rule);
  });

  it.each(allowed)('%s is allowed', async (_, file, code) => {
    expect(await broken(file, code)).toEqual([]);
  });
});
