import { logistic, readCsv, readLibsvm, standardise } from '@ockham/feature-subsample';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('readCsv', () => {
  it('takes names, quotes, a target by name and columns to drop', () => {
    const { A, b, columns } = readCsv('"a, b",id,y\r\n1,7,2\r\n"3",8,4\r\n', { target: 'y', drop: ['id'] });
    expect(columns).toEqual(['a, b']);
    expect([...A.values]).toEqual([1, 3]);
    expect([...b]).toEqual([2, 4]);
  });

  it('takes runs of blanks without a header', () => {
    const { A, b } = readCsv(' 1  2\t3 \n\n4 5 6\n', { delimiter: 'whitespace' });
    expect([...A.values]).toEqual([1, 2, 4, 5]);
    expect([...b]).toEqual([3, 6]);
  });

  it('leaves rows that miss a value out, or refuses them with their line', () => {
    const text = 'x,y\n1,2\n?,3\n4,5\n';
    expect(readCsv(text, { onMissing: 'drop' }).A.rows).toBe(2);
    expect(() => readCsv(text)).toThrow('line 3 has no value for x');
  });

  it.each([
    ['', 'no lines'],
    ['x,y\n1,2\n3\n', 'line 3 must have 2 fields'],
    ['x,y\n1,2\n3,four\n', 'line 3, y must be a number, got "four"'],
    ['y\n1\n', 'a row and a feature left'],
  ])('refuses %j', (text, message) => {
    expect(() => readCsv(text)).toThrow(message);
  });

  it('refuses a target that is not there', () => {
    expect(() => readCsv('x,y\n1,2\n', { target: 'z' })).toThrow('target must name one of 2 columns');
  });
});

describe('readLibsvm', () => {
  it('reads back what was written, zeros left out', () => {
    const value = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, fc.array(value, { minLength: 4, maxLength: 4 })), {
          minLength: 1,
          maxLength: 8,
        }),
        (rows) => {
          const text = rows
            .map(([label, x]) =>
              [label, ...x.flatMap((v, j) => (v === 0 ? [] : [`${j + 1}:${v}`]))].join(' '),
            )
            .join('\n');
          const { A, b } = readLibsvm(text, { features: 4 });
          expect([...b].map((v) => v + 0)).toEqual(rows.map(([label]) => label + 0));
          expect([...A.values]).toEqual(rows.flatMap(([, x]) => x.map((v) => v + 0)));
        },
      ),
    );
  });

  it.each([
    ['+1 0:1', 'indices rising from 1'],
    ['+1 2:1 2:3', 'indices rising from 1'],
    ['+1 1:', 'the value at 1 must be a finite number'],
    ['one 1:2', 'the label must be a finite number'],
    ['+1 1:1 # fine\n-1 1:nan', 'line 2'],
    ['', 'there must be a line and a feature'],
  ])('refuses %j', (text, message) => {
    expect(() => readLibsvm(text)).toThrow(message);
  });
});

it('standardised columns have mean 0 and variance 1, constant ones go', () => {
  const { A, b, columns } = standardise(readCsv('a,b,c,y\n1,5,2,1\n2,5,4,2\n3,5,9,6\n'));
  expect(columns).toEqual(['a', 'c']);
  const squares = A.values.reduce((sum, v) => sum + v * v, 0);
  expect(squares).toBeCloseTo(6, 12);
  expect(b.reduce((sum, v) => sum + v, 0)).toBeCloseTo(0, 12);
});

describe('logistic', () => {
  const text = Array.from({ length: 60 }, (_, i) => {
    const [u, v] = [Math.sin(7 * i), Math.cos(5 * i)];
    return `${u + 0.5 * v > 0 ? '+1' : '-1'} 1:${u} 2:${v} 3:1`;
  }).join('\n');
  const { A, b } = readLibsvm(text);

  it('lowers its loss every round and parts what can be parted', () => {
    const { history, accuracy } = logistic(A, b, { workers: 3, alpha: 0.67, rounds: 400, learningRate: 8 });
    expect(accuracy).toBeGreaterThan(0.96);
    history.slice(1).forEach((loss, k) => expect(loss).toBeLessThanOrEqual(history[k]! + 1e-12));
  });

  it('refuses labels other than ±1', () => {
    expect(() =>
      logistic(
        A,
        b.map((v) => (v > 0 ? 1 : 0)),
      ),
    ).toThrow('labels must be +1 or −1, got 0');
  });
});
