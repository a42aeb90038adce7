import { ArgumentError, throwIfAborted } from '../errors.ts';
import { tokensOf, type TextCorpus } from './text-corpus.ts';
import { findForm, readText, type TextFolderOptions } from './text-file.node.ts';
import type { TextFile } from './text-file.ts';

/** The corpora that are known here. */
export type CorpusName = 'wikitext-2' | 'tinyshakespeare';

/** Options of {@link textCorpus}. */
export interface TextCorpusOptions extends TextFolderOptions {
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

interface CorpusForm {
  readonly folder: string;
  readonly train: TextFile;
  /** Absent where the last tenth of `train` is the test part. */
  readonly test?: TextFile;
  readonly note?: string;
}

const WIKITEXT_TEST = 245_569; // tokens, an <eos> for each line
const FORMS: Readonly<Record<CorpusName, readonly CorpusForm[]>> = {
  'wikitext-2': [
    {
      folder: 'wikitext-2',
      train: { name: 'wiki.train.tokens', rows: 2_088_628 },
      test: { name: 'wiki.test.tokens', rows: WIKITEXT_TEST },
    },
    {
      folder: 'lm-text',
      train: {
        name: 'wikitext2.valid.txt',
        rows: 217_646,
        sha256: 'f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8',
      },
      test: {
        name: 'wikitext2.test.txt',
        rows: WIKITEXT_TEST,
        sha256: 'd790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0',
      },
      note:
        'Part of WikiText-2: its validation text (217,646 tokens) to train, for want of the training text; not ' +
        'comparable with published perplexities.',
    },
  ],
  tinyshakespeare: [
    {
      folder: 'lm-text',
      train: {
        name: 'tinyshakespeare.txt',
        sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
      },
    },
  ],
};

/**
 * A running text for language models, from `OCKHAM_DATA` or the cache; not for download. `wikitext-2` (Merity et al.
 * 2016): `wikitext-2/wiki.train.tokens` and `wiki.test.tokens`, or the part in `lm-text` that the provenance's note
 * names. `tinyshakespeare`: `lm-text/tinyshakespeare.txt`, the first 90 % of its characters to train.
 *
 * @throws ArgumentError for another name.
 * @throws DataError where it cannot be had or a file is not the published one.
 */
export async function textCorpus(name: CorpusName, options: TextCorpusOptions = {}): Promise<TextCorpus> {
  const who = `textCorpus('${name}')`;
  if (!Object.hasOwn(FORMS, name)) {
    throw new ArgumentError(
      `${who}: the name must be one of ${Object.keys(FORMS).join(', ')}, got '${name}'.`,
    );
  }
  throwIfAborted(options.signal, who);
  const place = ({ folder, train, test }: CorpusForm) => ({
    path: [folder],
    files: test ? [train, test] : [train],
  });
  const { home, source, form } = findForm(who, FORMS[name], place, options);
  const read = (file: TextFile) =>
    readText(
      who,
      home,
      file,
      (text) => text,
      (text) => tokensOf(text, 'word').length,
    );
  const train = await read(form.train);
  const test = form.test ? await read(form.test) : undefined;
  throwIfAborted(options.signal, who);
  const note = [form.note, train.note, test?.note].filter(Boolean).join(' ');
  const cut = Math.floor(train.content.length * 0.9);
  return {
    name,
    train: test ? train.content : train.content.slice(0, cut),
    test: test ? test.content : train.content.slice(cut),
    provenance: {
      source,
      checksums: {
        [form.train.name]: train.sha256,
        ...(test ? { [form.test!.name]: test.sha256 } : {}),
      },
      ...(note ? { note } : {}),
    },
  };
}
