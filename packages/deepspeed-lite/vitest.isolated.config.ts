import { isolatedTests } from '@ockham/vitest-config/isolated';

export default isolatedTests('test/ranks.browser.test.ts');
