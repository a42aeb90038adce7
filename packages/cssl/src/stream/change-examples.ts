import { streamOf, type ExampleChange, type Stream, type StreamExample } from './stream.ts';

/** A stream, or examples that arrive one by one. */
export type StreamSource = Stream | AsyncIterable<StreamExample>;

/** The same stream with every example changed: a stream stays one, an async iterable too. */
export function changeExamples<S extends StreamSource>(source: S, what: string, change: ExampleChange): S {
  if (!isStream(source)) return changedAsync(source, change) as StreamSource as S;
  const { name, split, rows, events, changes } = source;
  return streamOf({
    name: `${name}, ${what}`,
    split,
    rows,
    testAfter: events.map(({ after }) => after),
    changes: [...changes, change],
  }) as StreamSource as S;
}

/** Whether the whole order is known beforehand. */
export function isStream(source: StreamSource): source is Stream {
  return 'rows' in source;
}

async function* changedAsync(
  source: AsyncIterable<StreamExample>,
  change: ExampleChange,
): AsyncGenerator<StreamExample> {
  for await (const example of source) yield change(example);
}
