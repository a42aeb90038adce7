import { expect, it } from 'vitest';
import { incompatible } from '../src/check-licences.ts';
import { entriesOf } from '../src/entries.ts';
import { overLimit, sizeTable } from '../src/sizes.ts';

it('licences that Apache-2.0 goes with pass, also one of a choice; others, none and nonsense do not', () => {
  const good = { a: 'MIT', b: '(MIT OR GPL-3.0-only)', c: 'Apache-2.0 AND BSD-3-Clause' };
  expect(incompatible(new Map(Object.entries(good)))).toEqual([]);
  const bad = { a: 'GPL-3.0-only', b: 'MIT AND AGPL-3.0-only', c: 'SEE LICENSE IN x', d: 'none' };
  expect(incompatible(new Map(Object.entries(bad)))).toHaveLength(4);
});

it('an entry point over 60 kB at its start is named; what comes later and kernels do not count', () => {
  const light = { entry: '@ockham/a', start: 60_000, later: 500_000, kernels: 80_000, example: 12_000 };
  const heavy = { entry: '@ockham/b', start: 60_100, later: 0, kernels: 0 };
  expect(overLimit([light, heavy])).toEqual(['@ockham/b must weigh at most 60.0 kB, got 60.1 kB.']);
  const needs = { entry: '@ockham/c', start: 60_000, later: 0, kernels: 0, example: 61_000 };
  expect(overLimit([needs])).toEqual([expect.stringContaining("README's example")]);
  expect(sizeTable([light, heavy]).split('\n')).toEqual([
    expect.stringMatching(/start +later kernels example$/),
    expect.stringMatching(/^@ockham\/a +60\.0 +500\.0 +80\.0 +12\.0$/),
    expect.stringMatching(/^@ockham\/b +60\.1 +– +– +–$/),
  ]);
});

it('entry points are the exports, package.json aside, and those for Node end in node', () => {
  const exports = {
    '.': './a.js',
    './files/node': { default: './b.js' },
    './package.json': './package.json',
  };
  expect(entriesOf({ name: 'x', version: '1.0.0', exports })).toEqual([
    { entry: 'x', node: false },
    { entry: 'x/files/node', node: true },
  ]);
});
