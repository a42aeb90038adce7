/**
 * PEFT's patterns are regular expressions from a file. A backtracking engine can take exponential time for one, so here
 * each part of a pattern takes the set of all places where a match may stand to the set where it may go on.
 */

/** Places in `text` at which a match that stands at one of `from` may go on. */
type Step = (text: string, from: ReadonlySet<number>) => Set<number>;

const LONGEST = 1000;
const MOST_TIMES = 100; // of {m,n}
const MOST_LEVELS = 20; // of groups

/**
 * Whether a whole path, or its end after a point, matches a pattern: PEFT's `(.*\.)?(pattern)$`. Known are literals, `.`,
 * classes, `\d \w \s` and their opposites, groups, `|`, `* + ? {m,n}`, `^` and `$`.
 *
 * @throws SyntaxError for anything else, such as look-around and back-references.
 */
export function matchesEnd(path: string, pattern: string): boolean {
  if (pattern.length > LONGEST || path.length > LONGEST)
    throw new SyntaxError(`longer than ${LONGEST} signs`);
  const reader = { pattern, at: 0, level: 0 };
  const step = alternatives(reader);
  if (reader.at < pattern.length) throw new SyntaxError(`a ')' too many at ${reader.at}`);
  const starts = new Set([0]);
  for (let i = 0; i < path.length; i++) if (path[i] === '.') starts.add(i + 1);
  return step(path, starts).has(path.length);
}

interface Reader {
  readonly pattern: string;
  at: number;
  level: number;
}

function alternatives(reader: Reader): Step {
  const branches = [sequence(reader)];
  while (reader.pattern[reader.at] === '|') {
    reader.at++;
    branches.push(sequence(reader));
  }
  if (branches.length === 1) return branches[0]!;
  return (text, from) => new Set(branches.flatMap((branch) => [...branch(text, from)]));
}

function sequence(reader: Reader): Step {
  const steps: Step[] = [];
  for (
    let sign = reader.pattern[reader.at];
    sign && sign !== '|' && sign !== ')';
    sign = reader.pattern[reader.at]
  )
    steps.push(repeated(reader, atom(reader)));
  return (text, from) => steps.reduce<Set<number>>((places, step) => (places.size > 0 ? step(text, places) : places), new Set(from)); // prettier-ignore
}

function atom(reader: Reader): Step {
  const { pattern } = reader;
  const sign = pattern[reader.at++]!;
  if (sign === '^') return (_, from) => new Set([...from].filter((at) => at === 0));
  if (sign === '$') return (text, from) => new Set([...from].filter((at) => at === text.length));
  if (sign === '.') return one(() => true);
  if (sign === '(') return group(reader);
  if (sign === '[') {
    const length = /^\^?\]?(?:\\.|[^\]\\])*\]/s.exec(pattern.slice(reader.at))?.[0].length;
    if (length === undefined) throw new SyntaxError('a class that is not closed');
    const test = new RegExp(`^[${pattern.slice(reader.at, reader.at + length)}$`);
    reader.at += length;
    return one((letter) => test.test(letter));
  }
  if (sign === '\\') {
    const letter = pattern[reader.at++];
    if (letter && 'dDwWsS'.includes(letter)) {
      const test = new RegExp(`^\\${letter}$`);
      return one((each) => test.test(each));
    }
    if (!letter || /\w/.test(letter)) throw new SyntaxError(`\\${letter ?? ''} is not known`);
    return one((each) => each === letter);
  }
  if ('*+?{'.includes(sign)) throw new SyntaxError(`nothing to repeat before ${sign}`);
  return one((letter) => letter === sign);
}

function group(reader: Reader): Step {
  if (reader.pattern.startsWith('?:', reader.at)) reader.at += 2;
  if (reader.pattern[reader.at] === '?') throw new SyntaxError('look-around is not known');
  if (++reader.level > MOST_LEVELS) throw new SyntaxError(`groups deeper than ${MOST_LEVELS}`);
  const inner = alternatives(reader);
  if (reader.pattern[reader.at++] !== ')') throw new SyntaxError('a group that is not closed');
  reader.level--;
  return inner;
}

function repeated(reader: Reader, step: Step): Step {
  const [sign, least, most] =
    /^(?:[*+?]|\{(\d{1,3})(?:,(\d{0,3}))?\})/.exec(reader.pattern.slice(reader.at, reader.at + 10)) ?? [];
  if (sign === undefined) return step;
  reader.at += sign.length;
  if (reader.pattern[reader.at] === '?') reader.at++; // lazy: the same texts match
  const from = sign === '+' ? 1 : Number(least ?? 0);
  const to =
    sign === '?' ? 1 : sign === '*' || sign === '+' || most === '' ? Infinity : Number(most ?? least);
  if (from > MOST_TIMES || (to > MOST_TIMES && to < Infinity))
    throw new SyntaxError(`${sign} is above ${MOST_TIMES}`);
  return (text, starts) => {
    let places = new Set(starts);
    for (let i = 0; i < from; i++) places = step(text, places);
    const all = new Set(places);
    for (let i = from; i < to && places.size > 0; i++) {
      places = new Set([...step(text, places)].filter((at) => !all.has(at)));
      for (const at of places) all.add(at);
    }
    return all;
  };
}

function one(test: (letter: string) => boolean): Step {
  return (text, from) => {
    const to = new Set<number>();
    for (const at of from) if (at < text.length && test(text[at]!)) to.add(at + 1);
    return to;
  };
}
