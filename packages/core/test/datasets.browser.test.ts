import { fetchDataset, parseIdx } from '@ockham/core/datasets';
import { gunzip, gzip, sha256 } from '@ockham/core/files';
import { expect, it } from 'vitest';

it('a dataset that is not served is dataset-missing, by address', async () => {
  const baseUrl = `${location.origin}/no-such-folder-`;
  await expect(fetchDataset('mnist', { baseUrl })).rejects.toMatchObject({ code: 'dataset-missing' });
});

it('a served file that is not the published one is refused by its checksum', async () => {
  const images = new Blob([new Uint8Array(9_912_422)]); // the published size, not the published content
  const baseUrl = `${URL.createObjectURL(images)}#`; // every file name is a fragment of the same address
  await expect(fetchDataset('mnist', { baseUrl })).rejects.toMatchObject({ code: 'checksum-mismatch' });
});

it('gzip, sha-256 and the IDX parser work without Node', async () => {
  const idx = new Uint8Array([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]);
  const back = await gunzip(await gzip(idx), 'test');
  expect(parseIdx(back, 'test').values).toEqual(new Uint8Array([7, 8, 9]));
  expect(await sha256(new TextEncoder().encode('abc'))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});
