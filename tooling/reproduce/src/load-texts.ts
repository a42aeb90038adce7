import type { Provenance } from '@ockham/core';
import type { GlueTask, TextCorpus, TextDataset, WordPiece } from '@ockham/core/datasets';
import { bertUncased, glue, textCorpus } from '@ockham/core/datasets/node';

const TASKS = [
  'SST-2',
  'RTE',
  'MRPC',
  'QNLI',
  'MNLI',
  'STS-B',
  'WNLI',
] as const satisfies readonly GlueTask[];

/** Every text that there is for language models: the GLUE tasks, running texts, and the tokeniser. */
export interface Texts {
  readonly tasks: Readonly<Record<(typeof TASKS)[number], TextDataset>>;
  readonly corpora: readonly TextCorpus[];
  readonly tokenizer: WordPiece;
  readonly provenance: Provenance;
}

/** Loads the texts. @throws DataError `dataset-missing` where one of them is not there. */
export async function loadTexts({ signal }: { readonly signal: AbortSignal }): Promise<Texts> {
  const tasks = await Promise.all(TASKS.map((task) => glue(task, { signal })));
  const corpora = [
    await textCorpus('wikitext-2', { signal }),
    await textCorpus('tinyshakespeare', { signal }),
  ];
  const all = [...tasks, ...corpora].map(({ provenance }) => provenance);
  const note = all.flatMap((one) => one.note ?? []).join(' ');
  return {
    tasks: Object.fromEntries(tasks.map((task) => [task.name, task])) as unknown as Texts['tasks'],
    corpora,
    tokenizer: await bertUncased(),
    provenance: {
      source: all[0]!.source,
      checksums: Object.assign({}, ...all.map(({ checksums }) => checksums)) as Provenance['checksums'],
      ...(note ? { note } : {}),
    },
  };
}
