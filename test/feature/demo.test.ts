import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { nodeAddresses } from '#gateway/demo/node-names.ts';
import { TestDemo } from '../kit/demo.ts';
import { eventually } from '../kit/eventually.ts';
import { request } from '../kit/gateway.ts';

const COMMAND = fileURLToPath(new URL('../../admin/cli/bin.js', import.meta.url));
const execute = promisify(execFile);

let demo: TestDemo;

before(async () => {
  demo = await TestDemo.start();
});
after(() => demo.remove());

/** How many of `count` requests saw v1; every other one saw v2. */
async function countV1(count: number, ask: () => Promise<string>): Promise<number> {
  let v1 = 0;
  for (let sent = 0; sent < count; sent++) {
    const version = /<h1>myapp (v[12])<\/h1>/.exec(await ask())?.[1];
    assert.ok(version !== undefined, 'an answer that is neither page');
    if (version === 'v1') v1 += 1;
  }
  return v1;
}

async function overHttp(host: string): Promise<string> {
  const answer = await request({ host, port: demo.httpPort, path: '/', agent: false });
  assert.equal(answer.status, 200);
  return answer.body;
}

test('the table names URLs that work, the CA file, the shift and the file to edit', () => {
  for (const promise of [
    `http://localhost:${demo.httpPort}/`,
    `https://localhost:${demo.httpsPort}/`,
    '.demo/ca.crt',
    'npx mesh-gateway shift myapp v1=90 v2=10',
    '.demo/routes/app-gateway.yaml',
  ])
    assert.ok(demo.output.includes(promise), `${promise} is missing in:\n${demo.output}`);
});

test('100 requests on 100 connections are split in half, over IPv4 and IPv6', async () => {
  for (const host of ['127.0.0.1', '::1']) {
    const v1 = await countV1(100, () => overHttp(host));
    assert.ok(v1 >= 45 && v1 <= 55, `${v1} of 100 over ${host}`);
  }
});

test('https answers with a certificate that the CA file proves, for every name of the node', async () => {
  const hosts = ['localhost', '127.0.0.1', '::1', ...nodeAddresses()];
  const agent = new https.Agent({ ca: demo.ca, keepAlive: true });
  for (const host of hosts) {
    const body = await new Promise<string>((resolve, reject) => {
      const outgoing = https.get({ host, port: demo.httpsPort, path: '/', agent }, (response) => {
        response.setEncoding('utf8');
        response.once('data', resolve);
      });
      outgoing.once('error', reject);
    });
    assert.match(body, /<!doctype html>/, host);
  }
  agent.destroy();
});

test('a saved edit of the routes is served', async () => {
  const file = demo.plan.folder.routesFile;
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, before.replace(/weight: 50/, 'weight: 0'));
  await eventually(async () => (await countV1(20, () => overHttp('127.0.0.1'))) === 0);
  writeFileSync(file, before);
  await eventually(async () => (await countV1(20, () => overHttp('127.0.0.1'))) > 0);
});

test('the shift of the table finds the demo from its folder and changes two lines of the file', async () => {
  const file = demo.plan.folder.routesFile;
  const before = readFileSync(file, 'utf8').split('\n');
  const shift = (weights: readonly string[]) =>
    execute(process.execPath, [COMMAND, 'shift', 'myapp', ...weights], { cwd: demo.root });
  await shift(['v1=90', 'v2=10']);
  const v1 = await countV1(100, () => overHttp('127.0.0.1'));
  assert.ok(v1 >= 87 && v1 <= 93, `${v1} of 100`);
  const after = readFileSync(file, 'utf8').split('\n');
  assert.equal(after.length, before.length);
  assert.deepEqual(
    after.filter((line, index) => line !== before[index]).map((line) => line.trim()),
    ['weight: 90', 'weight: 10'],
  );
  await shift(['v1=50', 'v2=50']);
  assert.deepEqual(readFileSync(file, 'utf8').split('\n'), before);
});

test('Ctrl-C ends everything cleanly, and the next start keeps the routes', async () => {
  assert.equal(await demo.interrupt(), 0);
  await assert.rejects(overHttp('127.0.0.1'));
  await demo.boot();
  const v1 = await countV1(100, () => overHttp('127.0.0.1'));
  assert.ok(v1 >= 45 && v1 <= 55, `${v1} of 100 after the second start`);
});
