import { OckhamError } from '@ockham/core';
import { buildNative } from './build.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const { folder, tensorflow, built } = await buildNative(say);
  say(
    built
      ? `Built: useBackend('auto') now takes TensorFlow ${tensorflow}.`
      : `Already built: TensorFlow ${tensorflow} in ${folder}. Remove that folder to build it again.`,
  );
} catch (error) {
  if (!(error instanceof OckhamError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
