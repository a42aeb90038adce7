import type { Browser, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ExhibitOnPage, launch, visit, type Visit } from './fixtures/visitor.ts';

let browser: Browser;
let visited: Visit;
let page: Page;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  visited = await visit(browser, { reducedMotion: 'reduce' });
  page = visited.page;
});
afterEach(async () => {
  expect(visited.errors).toEqual([]);
  expect(visited.foreign, 'nothing is asked of another machine').toEqual([]);
  await page.context().close();
});

/** Two strokes of a seven. */
async function drawSeven(): Promise<void> {
  const pad = page.locator('canvas.pad');
  await pad.scrollIntoViewIfNeeded();
  const { x, y, width } = (await pad.boundingBox())!;
  await page.mouse.move(x + 0.25 * width, y + 0.2 * width);
  await page.mouse.down();
  await page.mouse.move(x + 0.75 * width, y + 0.2 * width, { steps: 8 });
  await page.mouse.move(x + 0.45 * width, y + 0.85 * width, { steps: 8 });
  await page.mouse.up();
}

it('a stream teaches digits, stops and goes on, and the visitor teaches, too', async () => {
  const digits = new ExhibitOnPage(page, 'digits');
  await drawSeven();
  await expect.poll(() => page.locator('.belief').innerText()).toContain('knows no digit yet');
  await page.getByRole('button', { name: 'Teach that it is a 7' }).click();
  await expect.poll(() => page.locator('.belief').innerText()).toContain('takes this for a 7, 100 % sure');
  expect(await digits.figure('examples')).toBe('1\n1 of them yours');

  await digits.press('Start');
  await expect.poll(() => digits.number('accuracy')).toBeGreaterThan(50); // a guess is right for 10
  await digits.press('Stop');
  await digits.waitFor('stopped');
  await page.waitForTimeout(300); // the last step is shown in the next frame
  const examples = await digits.number('examples');
  await page.waitForTimeout(300);
  expect(await digits.number('examples')).toBe(examples);
  expect(await page.locator('canvas.mosaic').getAttribute('aria-label')).toMatch(
    /^Digits in the buffer: \d+ of 0, /,
  );

  await digits.press('Start');
  await expect.poll(() => digits.number('examples')).toBeGreaterThan(examples);
  await digits.press('Reset');
  expect(await digits.figure('examples')).toBe('–');
  expect(await digits.section.getAttribute('data-state')).toBe('ready');
});

it('pruning makes the file smaller and keeps the accuracy, and a network known already is shown at once', async () => {
  const pruning = new ExhibitOnPage(page, 'pruning');
  await pruning.press('Start');
  await pruning.waitFor('done');
  expect(await pruning.figure('weights')).toBe('26,620\nof 266,200');
  expect(await pruning.number('bytes')).toBeLessThan(1070 / 4); // kB: a tenth of the weights, with their places
  expect(await pruning.number('accuracy')).toBeGreaterThan(85);
  expect(await pruning.status()).toMatch(/^90 % of the weights are gone/);

  const slider = pruning.section.getByRole('slider');
  await slider.fill('0');
  expect(await pruning.figure('weights')).toBe('266,200\nof 266,200');
  await slider.fill('95');
  await pruning.waitFor('running');
  await pruning.press('Stop');
  await pruning.waitFor('stopped');
  expect(await pruning.figure('weights')).toBe('266,200\nof 266,200');
});

it('adapters learn what the base does not know, merge, and leave the base as it was', async () => {
  const lora = new ExhibitOnPage(page, 'lora');
  await lora.press('Start');
  await lora.waitFor('done');
  expect(await lora.figure('trained')).toBe('1,152\nof 12,130');
  expect(await lora.number('slang')).toBeGreaterThan(90); // the base has 75
  expect(await lora.figure('base')).toBe('unchanged,\nto the bit');
  const apart = await lora.figure('slang');

  await page.getByRole('checkbox', { name: /Merge the adapters/ }).check();
  await expect.poll(() => lora.figure('latency')).toMatch(/^[\d.]+ ms\nmerged: [\d.]+ ms$/);
  expect(await lora.figure('slang')).toBe(apart);
  expect(await lora.figure('base')).toBe('unchanged,\nto the bit');

  await page.getByLabel('Your sentence').fill('that trick was wicked, dude');
  await page.getByRole('button', { name: 'Ask' }).click();
  const answer = lora.section.locator('.answer');
  await expect
    .poll(() => answer.innerText())
    .toMatch(/base alone: blame .* adapters: praise .* Not known: dude\./);
});

it('the players of hydrogen end on the exact levels, the same for the same seed', async () => {
  const hydrogen = new ExhibitOnPage(page, 'hydrogen');
  const play = async (): Promise<string> => {
    await hydrogen.press('Start');
    await hydrogen.waitFor('done');
    expect(await hydrogen.figure('certificate')).toBe('passed');
    expect(Number.parseFloat(await hydrogen.figure('error'))).toBeLessThan(1e-4);
    const summary = hydrogen.section.locator('.summary');
    const round = await hydrogen.figure('round');
    await expect.poll(() => summary.innerText()).toContain(`After round ${round} `); // charts are drawn a little later
    return summary.innerText();
  };
  await hydrogen.section.getByText('The numbers').click();
  const first = await play();
  // by diagonalising the published Hamiltonian, with 0.719969 of repulsion
  const exact = await hydrogen.section.locator('tbody tr').first().innerText();
  expect(exact.split('\t').slice(1).map(Number)).toEqual([-1.137306, -0.524616, -0.162753, 0.495058]);

  await hydrogen.press('Reset');
  expect(await hydrogen.figure('round')).toBe('–');
  expect(await play()).toBe(first);
  await hydrogen.section.getByLabel('Seed').fill('8');
  await hydrogen.section.getByLabel('Seed').press('Enter');
  expect(await hydrogen.status()).toMatch(/with the seed 8/);
});

it('smaller tables of words take fewer bytes and lose accuracy, and a run can be stopped', async () => {
  const embeddings = new ExhibitOnPage(page, 'embeddings');
  await embeddings.press('Start');
  await expect.poll(() => embeddings.figure('small'), { timeout: 40_000 }).toMatch(/^24\.0 kB/);
  await embeddings.press('Stop');
  await embeddings.waitFor('stopped');
  expect(await embeddings.figure('plain')).toMatch(/^192\.0 kB\n9\d\.\d % right$/);
  expect(await embeddings.number('lost')).toBeGreaterThan(1);
  expect(await embeddings.number('lost')).toBeLessThan(15);
});

it('one exhibit runs at a time: who starts another stops the first', async () => {
  const [digits, hydrogen] = [new ExhibitOnPage(page, 'digits'), new ExhibitOnPage(page, 'hydrogen')];
  await digits.press('Start');
  await digits.waitFor('running');
  await hydrogen.press('Start');
  await digits.waitFor('stopped');
  await hydrogen.waitFor('done');
});
