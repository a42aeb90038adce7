/** An IDX file of unsigned bytes. */
export function idxFile(shape: readonly number[], values: Uint8Array): Uint8Array {
  const header = shape.flatMap((d) => [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255]);
  return Uint8Array.of(0, 0, 8, shape.length, ...header, ...values);
}

/** The four files of MNIST, decompressed, with made pixels that do not compress. */
export function mnistFiles(
  train: readonly number[],
  test: readonly number[],
): ReadonlyMap<string, Uint8Array> {
  const images = (count: number) =>
    idxFile(
      [count, 28, 28],
      Uint8Array.from({ length: count * 784 }, (_, i) => Math.imul(i * i + 1, 0x9e3779b1) >>> 24),
    );
  const labels = (values: readonly number[]) => idxFile([values.length], Uint8Array.from(values));
  return new Map([
    ['train-images-idx3-ubyte.gz', images(train.length)],
    ['train-labels-idx1-ubyte.gz', labels(train)],
    ['t10k-images-idx3-ubyte.gz', images(test.length)],
    ['t10k-labels-idx1-ubyte.gz', labels(test)],
  ]);
}

/** A ustar archive. */
export function tarFile(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const text = new TextEncoder();
  const blocks = Object.entries(files).map(([name, data]) => {
    const block = new Uint8Array(512 + Math.ceil(data.length / 512) * 512);
    block.set(text.encode(name), 0);
    block.set(text.encode('0000644\0'), 100);
    block.set(text.encode(data.length.toString(8).padStart(11, '0')), 124);
    block.set(text.encode('0'), 156);
    block.set(text.encode('ustar\x0000'), 257);
    block.set(data, 512);
    return block;
  });
  return new Uint8Array([...blocks.flatMap((block) => [...block]), ...new Uint8Array(1024)]);
}
