import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeCommit, hideMachinePaths } from '../src/surroundings.ts';
import { temporaryFolder } from './toy.ts';

describe('hideMachinePaths', () => {
  it('leaves no folder of the machine in a text, relative data folders included', () => {
    const env = { OCKHAM_DATA: '../data', OCKHAM_CACHE: '/somewhere/cache' };
    const data = resolve('/a/workspace', '../data');
    const text = `put it into ${data}/mnist, /a/workspace/x, /somewhere/cache/y or ${join(homedir(), '.cache')}`;
    expect(hideMachinePaths(text, '/a/workspace', env)).toBe(
      'put it into $OCKHAM_DATA/mnist, ./x, $OCKHAM_CACHE/y or ~/.cache',
    );
  });
});

describe('describeCommit', () => {
  it('is null outside a repository', async () => {
    expect(await describeCommit(await temporaryFolder())).toEqual({ commit: null, dirty: false });
  });
});
