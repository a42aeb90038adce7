import { ArgumentError, throwIfAborted } from '../errors.ts';
import { glueTasks, parseGlue, type GlueForm, type GlueTask } from './glue.ts';
import { checkTake, type TakeOptions } from './take.ts';
import { takeTexts, type TextDataset } from './text-dataset.ts';
import { findForm, readText, type TextFolderOptions } from './text-file.node.ts';

/** Options of {@link glue}. */
export interface GlueOptions extends TextFolderOptions, TakeOptions {
  /** Of MNLI: test on the mismatched development set instead of the matched one. Default false. */
  readonly mismatched?: boolean;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/**
 * A GLUE task: the training set, and the development set as `test`, since GLUE's own test sets have no labels. Looked
 * for in `<OCKHAM_DATA>/glue/<task>`, then in the cache: `train.tsv` and `dev.tsv` (MNLI: `dev_matched.tsv`,
 * `dev_mismatched.tsv`), or, for QNLI, MNLI and MRPC, the part named in the provenance's note.
 *
 * Labels are class indexes; of STS-B, scores in [0, 5]. `encodeDataset` makes tokens of the texts.
 *
 * @throws ArgumentError for another task.
 * @throws DataError where it cannot be had, or a file has neither the known checksum nor the published number of rows.
 */
export async function glue(task: GlueTask, options: GlueOptions = {}): Promise<TextDataset> {
  const who = `glue('${task}')`;
  if (!Object.hasOwn(glueTasks, task)) {
    throw new ArgumentError(
      `${who}: the task must be one of ${Object.keys(glueTasks).join(', ')}, got '${task}'.`,
    );
  }
  const { mismatched = false, signal } = options;
  if (mismatched && task !== 'MNLI') {
    throw new ArgumentError(`${who}: only MNLI has a mismatched set. Leave the option mismatched out.`);
  }
  checkTake(who, options);
  throwIfAborted(signal, who);
  const { classes, forms } = glueTasks[task];
  const read = mismatched ? forms.map(toMismatched) : forms;
  const place = ({ train, test }: GlueForm) => ({ path: ['glue', task], files: [train, test] });
  const { home, source, form } = findForm(who, read, place, options);
  const [train, test] = await Promise.all(
    [form.train, form.test].map((file) =>
      readText(
        who,
        home,
        file,
        (text, path) => parseGlue(task, text, path),
        ({ size }) => size,
      ),
    ),
  );
  throwIfAborted(signal, who);
  const note = [form.note, train!.note, test!.note].filter(Boolean).join(' ');
  return {
    name: task,
    classes,
    train: takeTexts(train!.content, options.train),
    test: takeTexts(test!.content, options.test),
    provenance: {
      source,
      checksums: {
        [`${task}/${form.train.name}`]: train!.sha256,
        [`${task}/${form.test.name}`]: test!.sha256,
      },
      ...(note ? { note } : {}),
    },
  };
}

/** The official form tests on the other development set; the part has only the two and swaps them. */
function toMismatched({ train, test, note }: GlueForm): GlueForm {
  if (note === undefined) return { train, test: { name: 'dev_mismatched.tsv', rows: 9832 } };
  const swapped = note.replace(/mismatched|matched/g, (word) =>
    word === 'matched' ? 'mismatched' : 'matched',
  );
  return { train: test, test: train, note: swapped };
}
