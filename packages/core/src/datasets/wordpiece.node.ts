import { findForm, readText, type TextFolderOptions } from './text-file.node.ts';
import { wordPiece, type WordPiece } from './wordpiece.ts';

const FILE = {
  name: 'vocab.txt',
  sha256: '07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3',
} as const;

/**
 * The tokeniser of the published English uncased models: 30,522 tokens, from `bert-vocab/vocab.txt` of `OCKHAM_DATA`
 * or of the cache. Needs the optional peer `@huggingface/tokenizers`.
 *
 * @throws DataError where the file or the package is missing, or the file is not the published one.
 */
export async function bertUncased(options: TextFolderOptions = {}): Promise<WordPiece> {
  const who = 'bertUncased';
  const { home } = findForm(who, [FILE], (file) => ({ path: ['bert-vocab'], files: [file] }), options);
  const lines = (text: string) => text.split('\n').length;
  const { content } = await readText(who, home, FILE, (text) => text, lines);
  return wordPiece(content);
}
