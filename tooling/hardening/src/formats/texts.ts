/** Files of text: tables, tasks, vocabularies, circuits, molecules. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseGlue, wordPiece, type GlueTask } from '@ockham/core/datasets';
import { molecules, tabular } from '@ockham/core/datasets/node';
import { readCsv, readLibsvm, type Table } from '@ockham/feature-subsample';
import { parseMolecule, parseQasm } from '@ockham/quantum-game';
import type { Format } from '../format.ts';
import { hash } from './arrays.ts';

const MOST_VALUES = 2 ** 22;

/** Of a reader of text; what is no UTF-8 is read as it would be from a page. */
function ofText(name: string, texts: readonly string[], read: (text: string) => unknown): Format {
  return {
    name,
    originals: async () => texts.map((text) => new TextEncoder().encode(text)),
    read: async (bytes) => read(new TextDecoder().decode(bytes)),
  };
}

function tableOf({ A, b, columns }: Table): unknown {
  const sound = A.values.length === A.rows * A.columns && b.length === A.rows && columns.length === A.columns;
  if (!sound || !A.values.every(Number.isFinite) || !b.every(Number.isFinite))
    throw new Error('an odd table');
  return [A.rows, A.columns, hash(A.values), hash(b)];
}

const csv = ofText('csv', ['x,y,z\n1,2,3\n4,"5",6\n7,8,9\n', '1,2\n3,4\n'], (text) => tableOf(readCsv(text)));
const spaced = ofText('csv with blanks', ['1 2  3\n4 5 6\n'], (text) => tableOf(readCsv(text, { delimiter: 'whitespace' }))); // prettier-ignore
const libsvm = ofText('libsvm', ['+1 1:0.5 3:1 # note\n-1 2:2\n'], (text) =>
  tableOf(readLibsvm(text, { most: MOST_VALUES })),
);

const glueTexts: Readonly<Partial<Record<GlueTask, string>>> = {
  'SST-2': 'sentence\tlabel\nit is fine\t1\nit is not\t0\n',
  'STS-B': 'index\tsentence1\tsentence2\tscore\n0\ta b\tc d\t3.2\n',
  MNLI: 'neutral\tone\ttwo\nentailment\tthree\tfour\n',
};
const glue = Object.entries(glueTexts).map(([task, text]) =>
  ofText(`glue ${task}`, [text], (altered) => {
    const { size, first, second, labels } = parseGlue(task as GlueTask, altered);
    if (first.length !== size || labels.length !== size || (second && second.length !== size))
      throw new Error('odd rows');
    return [size, first, hash(labels)];
  }),
);

const vocabulary = '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncat\n##s\nsat\n';
const wordpiece = ofText('vocabulary', [vocabulary], async (text) => {
  const tokenizer = await wordPiece(text);
  const { ids } = tokenizer.encode('The cats sat [MASK] __proto__ constructor', text.slice(0, 300), 64);
  if (!ids.every((id) => id >= 0 && id < tokenizer.vocabulary.length)) throw new Error('an odd id');
  return ids;
});

const qasm = ofText(
  'qasm',
  [
    'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg c[3];\nh q[0];\ncx q[0],q[1];\nrz(pi/4 + sin(0.5)^2) q[2];\nmeasure q -> c;\n',
    'OPENQASM 3;\nqubit[2] q;\ngate g(a) x, y { h x; ctrl @ p(a) x, y; barrier x; }\ng(0.3) q[0], q[1];\nctrl(1) @ inv @ t q[1], q[0];\n/* note */\n',
  ],
  (text) => {
    const { qubits, operations } = parseQasm(text);
    return [qubits, operations.length, JSON.stringify(operations).length];
  },
);

const molecule = ofText(
  'molecule',
  [
    '{\n "name": "H2", "nQubits": 2, "nuclearRepulsion": 0.7, "mapping": "jordan-wigner", "hartreeFockBits": "10", "activeSpace": {"electrons": 2, "orbitals": 2}, "eigenvalues": [-1.1, 0.2],\n "terms": [\n  {"pauli": "ZZ", "coeff": -1},\n  {"pauli": "XI", "coeff": 0.5}\n ]\n}\n',
  ],
  (text) => {
    const { hamiltonian, eigenvalues = [], electrons = 0, nuclearRepulsion } = parseMolecule(text);
    const sound = [...hamiltonian.re, ...eigenvalues, electrons, nuclearRepulsion].every(Number.isFinite);
    if (!sound || hamiltonian.qubits > 30) throw new Error('an odd molecule');
    return [hamiltonian.qubits, hash(hamiltonian.re), eigenvalues, electrons];
  },
);

/** Loaders of a folder; the altered file lies where they look. */
const index: Format = {
  name: 'molecules index',
  originals: async () => [new TextEncoder().encode('{ "hamiltonians": [{ "name": "h2" }] }')],
  read: async (bytes, { path }) => {
    const folder = join(dirname(path), 'data');
    await mkdir(join(folder, 'molecules'), { recursive: true });
    await writeFile(join(folder, 'molecules', 'index.json'), bytes);
    await writeFile(join(folder, 'molecules', 'h2.json'), '{}');
    const { files } = await molecules({ folder });
    return [...files.keys()];
  },
};

const packedTable: Format = {
  name: 'table in gzip',
  originals: async () => [new Uint8Array(gzipSync('+1 1:0.5 3:1\n-1 2:2\n'))],
  read: async (bytes, { path }) => {
    const folder = join(dirname(path), 'data');
    await mkdir(join(folder, 'tabular'), { recursive: true });
    await writeFile(join(folder, 'tabular', 'a9a.gz'), bytes);
    const { files } = await tabular(['a9a'], { folder, most: 2 ** 20 });
    return tableOf(readLibsvm(files.get('a9a')!, { most: MOST_VALUES }));
  },
  whole: true,
};

/** Files of text. */
export const textFormats: readonly Format[] = [csv, spaced, libsvm, ...glue, wordpiece, qasm, molecule, index, packedTable]; // prettier-ignore
