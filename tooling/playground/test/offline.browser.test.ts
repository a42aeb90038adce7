import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ExhibitOnPage, launch, visit } from './fixtures/visitor.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

it('works without a network once it was loaded, also where nothing ran before', async () => {
  const { page, errors } = await visit(browser);
  await page.locator('html[data-offline=true]').waitFor();
  await page.context().setOffline(true);
  await page.reload();
  const digits = new ExhibitOnPage(page, 'digits');
  await digits.press('Start');
  await expect.poll(() => digits.number('examples')).toBeGreaterThan(20);
  expect(errors).toEqual([]);
  await page.context().close();
});

it('says in words what went wrong, and starts again once it is mended', async () => {
  const { page } = await visit(browser, { serviceWorkers: 'block' });
  const digits = new ExhibitOnPage(page, 'digits');
  const alert = digits.section.getByRole('alert');
  await page.route('**/digits.bin', (route) => route.fulfill({ status: 404 }));
  await digits.press('Start');
  await digits.waitFor('failed');
  expect(await alert.innerText()).toBe(
    'It did not work. The digits of this page did not load: the server says 404. Load the page again.',
  );
  await page.unroute('**/digits.bin');
  await digits.press('Start');
  await expect.poll(() => digits.number('examples')).toBeGreaterThan(0);
  expect(await alert.isVisible()).toBe(false);
  await page.context().close();
});
