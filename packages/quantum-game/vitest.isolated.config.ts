import { isolatedTests } from '@ockham/vitest-config/isolated';

export default isolatedTests('test/workers.browser.test.ts');
