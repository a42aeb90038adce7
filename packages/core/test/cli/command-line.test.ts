import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cli, Command } from '../../src/cli/index.node.ts';
import { runCli } from '../../src/cli/index.node.ts';
import { parseCommandLine, UsageError } from '../../src/cli/parse-command-line.node.ts';
import { progressLine } from '../../src/cli/progress-line.node.ts';

const command: Command = {
  summary: 'Does nothing.',
  options: {
    rank: { type: 'integer', help: 'A rank.' },
    layer: { type: 'list', help: 'A layer.' },
    kind: { type: 'string', choices: ['a', 'b'], help: 'A kind.' },
  },
  data: 'optional',
  examples: [],
  plan: () => Promise.reject(new TypeError('a fault')),
  run: () => Promise.reject(new TypeError('a fault')),
};
const cli: Cli = { name: '@ockham/test', version: '1.2.3', commands: [command] };
const two: Cli = {
  ...cli,
  commands: [
    { ...command, name: 'one' },
    { ...command, name: 'other' },
  ],
};

describe('a command line', () => {
  it('gives numbers, fractions, lists and choices their types', () => {
    const words = [
      'm',
      '--rank',
      '3',
      '--layer',
      'x',
      '--layer',
      'y',
      '--kind',
      'b',
      '--scale',
      '1/4',
      '--out',
      'o',
    ];
    const { model, options, common } = parseCommandLine(cli, words);
    expect({ model, options }).toEqual({ model: 'm', options: { rank: 3, layer: ['x', 'y'], kind: 'b' } });
    expect(common.scale).toBe(0.25);
  });

  it.each([
    [['m', '--rank', '1.5'], 'whole number'],
    [['m', '--rank', ''], 'whole number'],
    [['m', '--scale', '1/'], 'number'],
    [['m', '--scale', '1/0'], 'number'],
    [['m', '--scale', '1/2/3'], 'number'],
    [['m', '--kind', 'c'], 'one of a, b'],
    [['m', '--rank', '1', '--rank', '2'], 'given once'],
    [['m', '--rankk', '1'], "Unknown option '--rankk'"],
    [['m', '--rank'], 'argument missing'],
    [['m', 'n', '--out', 'o'], 'takes one model'],
    [['--out', 'o'], 'name the model'],
    [['m', '--out', ''], 'must not be empty'],
  ])('refuses %j', (words, message) => {
    expect(() => parseCommandLine(cli, words)).toThrow(UsageError);
    expect(() => parseCommandLine(cli, words)).toThrow(message);
  });

  it('needs the command’s word where there are several', () => {
    expect(parseCommandLine(two, ['other', 'm', '--out', 'o']).command).toBe(two.commands[1]);
    expect(() => parseCommandLine(two, ['m', '--out', 'o'])).toThrow('one of one, other');
  });

  it('is read or refused, whatever the words', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '--rank',
        '--layer',
        '--',
        '-',
        '--out',
        '--__proto__',
        '--constructor=1',
        '--json',
        '-x',
      ),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (words) => {
        try {
          parseCommandLine(cli, words);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
        expect(({} as Record<string, unknown>)['rank']).toBeUndefined();
      }),
    );
  });

  it('ends with 1 and no stack for a fault of the program, with the stack for --debug', async () => {
    const run = async (...words: string[]) => {
      let err = '';
      const prepare = () => Promise.reject(new TypeError('a fault'));
      const io = { out: () => undefined, err: (text: string) => (err += text), prepare };
      return { code: await runCli(cli, ['m', '--dry-run', ...words], io), err };
    };
    const plain = await run();
    expect(plain).toEqual({
      code: 1,
      err: expect.stringMatching(/^error \[unexpected\] a fault\n.*--debug.*\n$/),
    });
    expect((await run('--debug')).err).toMatch(/^\s+at /m);
  });
});

describe('progress', () => {
  const events = [0, 1, 2].map((done) => ({ stage: 'train', done, total: 4, metrics: { loss: 0.12345 } }));

  it('is lines in a log: one at the start of a stage, then few', () => {
    let [text, now] = ['', 0];
    const line = progressLine({ write: (part) => (text += part) }, () => now);
    for (const event of events) {
      line.show(event);
      now += 100;
    }
    now += 5_000;
    line.show({ stage: 'train', done: 3, total: 4 });
    line.show({ stage: 'report', done: 0, total: 1 });
    line.clear();
    expect(text).toBe('train: 0 of 4 (0 %), loss 0.123\ntrain: 3 of 4 (75 %)\nreport: 0 of 1 (0 %)\n');
  });

  it('is one line on a terminal, never wider than it, that goes away', () => {
    const parts: string[] = [];
    let now = 0;
    const line = progressLine(
      { isTTY: true, columns: 12, write: (part) => parts.push(part) },
      () => (now += 100),
    );
    for (const event of events) line.show(event);
    line.clear();
    expect(parts.filter((part) => part.startsWith('train'))).toEqual([
      'train: 0 of',
      'train: 1 of',
      'train: 2 of',
    ]);
    expect(parts.join('')).not.toContain('\n');
    expect(parts.at(-1)).not.toContain('train');
  });
});
