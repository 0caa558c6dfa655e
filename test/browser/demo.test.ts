/**
 * The demo in a real browser. Chromium is told to pass over certificate errors (Debian's build reads no CA file);
 * that the demo's chain and names are right is proven in test/feature/demo.test.ts with the CA file.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { nodeAddresses } from '#gateway/demo/node-names.ts';
import { TestDemo } from '../kit/demo.ts';
import { requires } from '../kit/require.ts';

const skip = requires({ programs: ['chromium'] });

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--no-proxy-server',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const BLUE = 'rgb(31, 95, 191)';
const GREEN = 'rgb(31, 143, 77)';

let demo: TestDemo;
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  demo = await TestDemo.start();
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
});

after(async () => {
  await browser?.close();
  await demo?.remove();
});

test('a browser sees the blue and the green page in turn over http', { skip }, async () => {
  assert.deepEqual(await backgroundsAt(`http://localhost:${demo.httpPort}/`), [BLUE, GREEN]);
});

test('a browser sees the blue and the green page in turn over https', { skip }, async () => {
  assert.deepEqual(await backgroundsAt(`https://localhost:${demo.httpsPort}/`), [BLUE, GREEN]);
});

test('a browser elsewhere reaches both pages by the address of the node', { skip }, async (context) => {
  const [address] = nodeAddresses().filter((candidate) => !candidate.includes(':'));
  if (address === undefined) return context.skip('this machine has no address but loopback');
  assert.deepEqual(await backgroundsAt(`http://${address}:${demo.httpPort}/`), [BLUE, GREEN]);
});

/** The colours of twenty visits, each once, sorted. */
async function backgroundsAt(url: string): Promise<string[]> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    const page = await context.newPage();
    const seen = new Set<string>();
    for (let visit = 0; visit < 20; visit++) seen.add(await backgroundAt(page, url));
    return [...seen].sort((a, b) => (a === BLUE ? -1 : b === BLUE ? 1 : a.localeCompare(b)));
  } finally {
    await context.close();
  }
}

async function backgroundAt(page: Page, url: string): Promise<string> {
  const response = await page.goto(url);
  assert.equal(response?.status(), 200);
  return page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
}
