import { describe, expect, it } from 'vitest';
import { repositoryFields, repositoryProblems } from '../src/repository.ts';

const address = 'https://git.example/owner/name';

describe('the repository in a package.json', () => {
  it('is right when it was written by the same rule, in any order of fields', () => {
    const { bugs, homepage, repository } = repositoryFields(address, 'core');
    const { directory, type, url } = repository;
    const manifest = { repository: { directory, url, type }, name: '@ockham/core', bugs, homepage };
    expect(repositoryProblems(manifest, address, 'core')).toEqual([]);
    expect(repository).toEqual({
      type: 'git',
      url: 'git+https://git.example/owner/name.git',
      directory: 'packages/core',
    });
  });

  it('is a problem for each field that is missing or belongs to another repository', () => {
    expect(repositoryProblems({ name: '@ockham/core' }, address, 'core')).toHaveLength(3);
    const fork = { name: '@ockham/core', ...repositoryFields('https://git.example/fork/name', 'core') };
    expect(repositoryProblems(fork, address, 'core').join('\n')).toContain(
      'repository must be {"type":"git","url":"git+https://git.example/owner/name.git","directory":"packages/core"}, got {',
    );
  });
});
