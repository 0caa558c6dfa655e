import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { get, TestGateway } from '../kit/gateway.ts';
import { type MyApp, startMyApp } from '../kit/myapp.ts';

// The whole program: an object that may guard hosts and is not enforced closes them, also over restarts.
const policy = (name: string, spec: string) =>
  `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: ${name}, namespace: istio-system}\nspec: ${spec}\n`;
const FOR_US =
  '{selector: {matchLabels: {istio: ingressgateway}}, rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]}';

let app: MyApp;
let gateway: TestGateway;

before(async () => {
  app = await startMyApp();
  gateway = await TestGateway.start({
    routes: { ...app.routes, 'accepted.yaml': policy('accepted', FOR_US) },
    settings: { security: { acceptUnenforced: ['AuthorizationPolicy/istio-system/accepted'] } },
  });
});

after(async () => {
  await gateway?.stop();
  await app?.close();
});

const becomes = (status: number) => eventually(async () => (await get(gateway.httpPort, '/')).status === status);

test('one that the settings accept closes nothing, and is told', async () => {
  await becomes(200);
  assert.ok((await gateway.problems()).some((text) => text.startsWith('Not enforced, and accepted so')));
});

test('one that they do not accept closes the hosts as soon as it is there, and a restart keeps them closed', async () => {
  gateway.writeRoute('office.yaml', policy('office-only', FOR_US));
  await becomes(403);
  assert.equal((await get(gateway.httpPort, '/')).body, 'access denied\n');
  await gateway.terminate();
  // Broken while the gateway is down: what was accepted before still closes.
  gateway.writeRoute('office.yaml', `${policy('office-only', FOR_US)}  : [\n`);
  await gateway.boot();
  assert.equal((await get(gateway.httpPort, '/')).status, 403);
  await eventually(async () => (await gateway.problems()).some((text) => text.startsWith('YAML syntax error')));
  assert.equal((await get(gateway.httpPort, '/')).status, 403);
});

test('they open when it is gone', async () => {
  rmSync(path.join(gateway.routesDir, 'office.yaml'));
  await becomes(200);
});

test('a new one that is no YAML closes them too, and says where it is', async () => {
  await becomes(200);
  gateway.writeRoute('new.yaml', policy('new', '{rules: ['));
  await becomes(403);
  const told = await gateway.problems();
  assert.ok(
    told.some((text) => /YAML syntax error.*all hosts of this gateway answer 403/.test(text)),
    told.join('\n'),
  );
  await gateway.terminate();
  await gateway.boot();
  assert.equal((await get(gateway.httpPort, '/')).status, 403, 'also after a restart');
  gateway.writeRoute('new.yaml', policy('new', '{selector: {matchLabels: {app: shop}}}'));
  await becomes(200);
});
