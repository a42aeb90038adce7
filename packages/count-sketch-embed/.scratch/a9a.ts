import { a9a } from '../reproduce/click-data.ts';
const d = await a9a(500); console.log(d?.train.size, d?.test.size, d?.fields, d?.vocabulary, d && [...d.train.x.values as Int32Array].slice(0,27).join());
