import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startBackends } from '#gateway/demo/backends-child.ts';
import { pageOf } from '#gateway/demo/page.ts';
import { podsOf } from '#gateway/demo/pods.ts';
import { freePorts } from '#test/kit/ports.ts';

const example = new URL('../../../config/examples/myapp/backends.yaml', import.meta.url);
let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo backends '));
});
after(() => rm(folder, { recursive: true }));

async function manifestOn(port: number): Promise<string> {
  const file = join(folder, `${port}.yaml`);
  await writeFile(file, (await readFile(example, 'utf8')).replaceAll('18080', `${port}`));
  return file;
}

test('the example has one Pod for each version', async () => {
  assert.deepEqual(podsOf(await readFile(example, 'utf8')), [
    { app: 'myapp', version: 'v1', address: '127.0.0.2', port: 18080 },
    { app: 'myapp', version: 'v2', address: '127.0.0.3', port: 18080 },
  ]);
});

test('each Pod is served by a page in its own colour until the pages are stopped', async () => {
  const [port = 0] = await freePorts(1);
  const backends = await startBackends(await manifestOn(port));
  const pages = await Promise.all(
    ['127.0.0.2', '127.0.0.3'].map(async (address) => (await fetch(`http://${address}:${port}/`)).text()),
  );
  assert.match(pages[0] ?? '', /background: #1f5fbf[^]*<h1>myapp v1<\/h1>/);
  assert.match(pages[1] ?? '', /background: #1f8f4d[^]*<h1>myapp v2<\/h1>/);
  await backends.stop();
  await assert.rejects(fetch(`http://127.0.0.2:${port}/`));
});

test('a page that cannot be served is told in a sentence', async () => {
  const [port = 0] = await freePorts(1);
  const first = await startBackends(await manifestOn(port));
  try {
    await assert.rejects(startBackends(await manifestOn(port)), /cannot be served: the page myapp v[12]: .*EADDRINUSE/);
  } finally {
    await first.stop();
  }
  await writeFile(join(folder, 'empty.yaml'), 'kind: Service\n');
  await assert.rejects(startBackends(join(folder, 'empty.yaml')), /has no Pod/);
});

test('a page names its version once, so that counting names counts requests', () => {
  assert.equal(pageOf({ app: 'myapp', version: 'v1' }).match(/v1/g)?.length, 1);
  assert.match(pageOf({ app: '<b>', version: 'v9' }), /&#60;b&#62; v9/);
});
