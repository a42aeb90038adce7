/**
 * The GLUE tasks of one or two sentences (Wang et al. 2018, "GLUE: a multi-task benchmark", table 1) and their files.
 */
import { DataError } from '../errors.ts';
import type { TextExamples } from './text-dataset.ts';
import type { TextFile } from './text-file.ts';

/** The tasks that are known here. */
export type GlueTask = 'SST-2' | 'MRPC' | 'RTE' | 'QNLI' | 'WNLI' | 'STS-B' | 'MNLI';

/** One way in which a task's splits lie in files. */
export interface GlueForm {
  /** The file of the training split. */
  readonly train: TextFile;
  /** The file of the split that is tested on. */
  readonly test: TextFile;
  /** Goes into the provenance. */
  readonly note?: string;
}

/** How a task is read. */
export interface GlueLayout {
  /** Names in the header: the text or texts, then the label. */
  readonly texts: readonly [string, string?];
  /** The column of the label. */
  readonly label: string;
  /** Labels as they stand in the file, in the order of their index; none for a score. */
  readonly labels: readonly string[];
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** Best first. */
  readonly forms: readonly [GlueForm, ...GlueForm[]];
}

const ENTAILMENT = ['entailment', 'not_entailment'] as const;
const official = (train: TextFile, test: TextFile): GlueForm => ({ train, test });

/** The layouts of all tasks. `rows` are GLUE's own counts, `sha256` those of copies that were checked. */
export const glueTasks: Readonly<Record<GlueTask, GlueLayout>> = {
  'SST-2': {
    texts: ['sentence'],
    label: 'label',
    labels: ['0', '1'],
    classes: ['negative', 'positive'],
    forms: [
      official(
        {
          name: 'train.tsv',
          rows: 67349,
          sha256: '48eac26399f8456935f81dd9e3a745c1430adb6c62e233ccfe22db4a0d15d1d1',
        },
        {
          name: 'dev.tsv',
          rows: 872,
          sha256: '54a9c12c77e402fc14d6a66a506f24d999f596b0176eb777c972cccc2f9cc4b0',
        },
      ),
    ],
  },
  MRPC: {
    texts: ['#1 String', '#2 String'],
    label: 'Quality',
    labels: ['0', '1'],
    classes: ['not_equivalent', 'equivalent'],
    forms: [
      official(
        {
          name: 'train.tsv',
          rows: 3668,
          sha256: '15d9c71e62d662b1cc9237e2015047cad4c1f62552d49858a9bce2b944d79897',
        },
        {
          name: 'dev.tsv',
          rows: 408,
          sha256: '320459df9454dbdc8eea69ad1eb294967e7dfe03e7cf791f37d954a316f5253d',
        },
      ),
      {
        train: {
          name: 'msr_paraphrase_train.txt',
          rows: 4076,
          sha256: '60a9b09084528f0673eedee2b69cb941920f0b8cd0eeccefc464a98768457f89',
        },
        test: {
          name: 'msr_paraphrase_test.txt',
          rows: 1725,
          sha256: 'a04e271090879aaba6423d65b94950c089298587d9c084bf9cd7439bd785f784',
        },
        note: 'The original split of MRPC: GLUE’s training and development sets to train, its test set, with labels, to test.',
      },
    ],
  },
  RTE: {
    texts: ['sentence1', 'sentence2'],
    label: 'label',
    labels: ENTAILMENT,
    classes: ENTAILMENT,
    forms: [
      official(
        {
          name: 'train.tsv',
          rows: 2490,
          sha256: '41e3a9b063433392343fad9e962cf2f58b681c78d8f71592f4186f0837246c5c',
        },
        {
          name: 'dev.tsv',
          rows: 277,
          sha256: '80230dfa1347282e7b532b06a1004a76a710087541189bf874223ddf0e3819fb',
        },
      ),
    ],
  },
  QNLI: {
    texts: ['question', 'sentence'],
    label: 'label',
    labels: ENTAILMENT,
    classes: ENTAILMENT,
    forms: [
      official({ name: 'train.tsv', rows: 104743 }, { name: 'dev.tsv', rows: 5463 }),
      {
        train: {
          name: 'train_4463_of_dev.tsv',
          sha256: '0fbd74f915a999d72243d9d4f3d48a2b8d7a2b0317a41178e4417fab8ef61e8d',
        },
        test: {
          name: 'dev_1000_of_dev.tsv',
          sha256: 'afa131e0600167f4e2c2f157bafa7008521afd9904c60973f4e576e431442cb8',
        },
        note:
          'Part of QNLI: both splits are of the official development set (4,463 and 1,000 rows, which share ' +
          'paragraphs); not comparable with published figures.',
      },
    ],
  },
  WNLI: {
    texts: ['sentence1', 'sentence2'],
    label: 'label',
    labels: ['0', '1'],
    classes: ['not_entailment', 'entailment'],
    forms: [
      official(
        {
          name: 'train.tsv',
          rows: 635,
          sha256: '9a88e9d54b6861cc796a088e9acf4f5f65064a9ef65ae6fa7a688b28391e5c9a',
        },
        {
          name: 'dev.tsv',
          rows: 71,
          sha256: 'cba00490596dd14be8cf53b4f53bb744abe3a7b89f81ab210528d80225338ed5',
        },
      ),
    ],
  },
  'STS-B': {
    texts: ['sentence1', 'sentence2'],
    label: 'score',
    labels: [],
    classes: [],
    forms: [
      official(
        {
          name: 'train.tsv',
          rows: 5749,
          sha256: '41c4d978b6162abdcada7e49a982211954cca5459c228db478af333124b257a2',
        },
        {
          name: 'dev.tsv',
          rows: 1500,
          sha256: 'fe7dc0632a5033562f3cadff991f6e8d9b9b6311861660e78c3c82eb7db67f59',
        },
      ),
    ],
  },
  MNLI: {
    texts: ['sentence1', 'sentence2'],
    label: 'gold_label',
    labels: ['entailment', 'neutral', 'contradiction'],
    classes: ['entailment', 'neutral', 'contradiction'],
    forms: [
      official({ name: 'train.tsv', rows: 392702 }, { name: 'dev_matched.tsv', rows: 9815 }),
      {
        train: {
          name: 'dev_mismatched_1000.tsv',
          sha256: 'f418302efa473eb78a7794c0838a042358c545dc97a3c15d54339ccaae61fdae',
        },
        test: {
          name: 'dev_matched_1000.tsv',
          sha256: '248f2bf5ce2c431785aad9946032e350b0dd07a9b67efc161c3a5041b6ce5360',
        },
        note:
          'Part of MNLI: 1,000 rows of the mismatched development set to train and 1,000 of the matched one to test, ' +
          'tokenised with spaces; not comparable with published figures.',
      },
    ],
  },
};

/**
 * Reads one file of a GLUE task: tab-separated, no quoting, columns found by their names in the header. A file of MNLI
 * without a header is label, premise and hypothesis. A byte-order mark and carriage returns are dropped.
 *
 * @param who Names the file in errors.
 * @throws DataError `corrupt-file` naming the line, where a column is missing or a label unknown.
 */
export function parseGlue(task: GlueTask, text: string, who = `parseGlue('${task}')`): TextExamples {
  const { texts, label, labels } = glueTasks[task];
  const lines = text.replace(/^\ufeff/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const rows = lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line).split('\t'));
  const header = rows[0] ?? [];
  const headless = task === 'MNLI' && header.length === 3 && labels.includes(header[0]!);
  const columns = headless
    ? [1, 2, 0]
    : [...texts, label].map((name) => {
        const column = header.indexOf(name!);
        if (column >= 0) return column;
        const unlabelled = name === label ? ' A test set of GLUE has no labels; use dev.tsv.' : '';
        throw corrupt(
          who,
          `the header must have a column '${name}', got ${header.slice(0, 12).join(', ')}.${unlabelled}`,
        );
      });
  const examples = headless ? rows : rows.slice(1);
  const values = labels.length > 0 ? new Int32Array(examples.length) : new Float32Array(examples.length);
  const parts: string[][] = texts.map(() => []);
  const last = columns.at(-1)!;
  for (const [i, row] of examples.entries()) {
    const line = i + (headless ? 1 : 2);
    const missing = columns.find((column) => row[column] === undefined);
    if (missing !== undefined) {
      throw corrupt(who, `line ${line} must have at least ${missing + 1} columns, got ${row.length}.`);
    }
    const value = labels.length > 0 ? labels.indexOf(row[last]!) : row[last] === '' ? NaN : Number(row[last]);
    if (labels.length > 0 ? value < 0 : !(value >= 0 && value <= 5)) {
      const wanted = labels.length > 0 ? `one of ${labels.join(', ')}` : 'a score in [0, 5]';
      throw corrupt(who, `the label in line ${line} must be ${wanted}, got '${row[last]}'.`);
    }
    values[i] = value;
    for (const [part, list] of parts.entries()) list.push(row[columns[part]!]!);
  }
  const [first, second] = parts as [string[], string[]?];
  return { size: examples.length, first, ...(second ? { second } : {}), labels: values };
}

function corrupt(who: string, what: string): DataError {
  return new DataError('corrupt-file', `${who}: ${what} Take a fresh copy of the file.`);
}
