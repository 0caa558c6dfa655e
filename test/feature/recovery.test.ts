import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { get, TestGateway } from '../kit/gateway.ts';
import { type MyApp, startMyApp } from '../kit/myapp.ts';

let app: MyApp;
let gateway: TestGateway;

before(async () => {
  app = await startMyApp();
  gateway = await TestGateway.start({ routes: app.routes });
});

after(async () => {
  await gateway?.stop();
  await app?.close();
});

const damages: [string, (text: string) => string][] = [
  ['cannot be parsed', (text) => text.replace(/^./, '?')],
  ['cannot be compiled', (text) => text.replace('"from":0', '"from":7')],
];
for (const [what, damage] of damages)
  test(`a last good snapshot that ${what} is replaced, and no worker dies of it`, async () => {
    await gateway.terminate();
    const folder = path.join(gateway.dir, 'state', 'last-good');
    const name = readdirSync(folder).find((file) => file.startsWith('full-')) ?? '';
    const text = readFileSync(path.join(folder, name), 'utf8');
    writeFileSync(path.join(folder, name), damage(text));
    assert.notEqual(readFileSync(path.join(folder, name), 'utf8'), text);
    await gateway.boot();
    await eventually(async () => (await get(gateway.httpPort, '/')).status === 200);
    await eventually(async () => (await gateway.workers()).every((worker) => worker.version > 0));
    assert.deepEqual(
      (await gateway.workers()).map((worker) => worker.restarts),
      [0, 0],
    );
  });
