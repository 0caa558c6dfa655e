/**
 * Preloaded into every test file (`--import`): one whose tests are over, and which does not end, fails and says what it
 * holds. Otherwise a test that fails before it has closed its servers holds up the whole run, and nobody learns why.
 */
import { after } from 'node:test';
import { isMainThread } from 'node:worker_threads';

/** Longer than hooks take to end what they began. */
const PATIENCE_MS = 60_000;

const [, file = ''] = process.argv;

// A program or thread that a test file starts may be given the same flags.
if (isMainThread && file.endsWith('.test.ts'))
  after(() => {
    setTimeout(() => {
      const held = process.getActiveResourcesInfo().join(', ');
      console.error(`${file}: its tests are over, but it does not end; it holds ${held}`);
      process.exit(1);
    }, PATIENCE_MS).unref();
  });
