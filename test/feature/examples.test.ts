import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { validatePaths } from '#gateway/control/validate-paths.ts';
import { startBackends } from '#gateway/demo/backends-child.ts';
import { podsOf } from '#gateway/demo/pods.ts';
import { get, TestGateway } from '../kit/gateway.ts';
import { freePorts } from '../kit/ports.ts';
import { requires, sharedDir } from '../kit/require.ts';

const examplesDir = fileURLToPath(new URL('../../config/examples/', import.meta.url));
const examples = readdirSync(examplesDir);

/** The manifests of an example, with its pages on a port that is free. */
async function routesOf(example: string): Promise<Record<string, string>> {
  const folder = path.join(examplesDir, example);
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  const texts = names.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')] as const);
  const written = texts.flatMap(([, text]) => podsOf(text).map((pod) => pod.port));
  const [port = 0] = await freePorts(1);
  return Object.fromEntries(
    texts.map(([name, text]) => [name, written.reduce((result, old) => result.replaceAll(`${old}`, `${port}`), text)]),
  );
}

/** Serves an example together with its pages. */
async function withExample(example: string, use: (gateway: TestGateway) => Promise<void>): Promise<void> {
  const routes = await routesOf(example);
  const gateway = await TestGateway.start({ routes });
  try {
    const manifest = path.join(gateway.dir, 'pages.yaml');
    writeFileSync(manifest, routes['backends.yaml'] ?? '');
    const pages = await startBackends(manifest);
    try {
      await use(gateway);
    } finally {
      await pages.stop();
    }
  } finally {
    await gateway.stop();
  }
}

/** How often each version answered. */
async function countVersions(count: number, ask: () => Promise<{ body: string }>): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  for (let sent = 0; sent < count; sent++) {
    const version = /<h1>\S+ (v\d)<\/h1>/.exec((await ask()).body)?.[1] ?? 'none';
    seen[version] = (seen[version] ?? 0) + 1;
  }
  return seen;
}

for (const example of examples) {
  test(`the example ${example} has no fault, and nothing in it is passed over but Deployments`, async () => {
    const { problems, objects } = await validatePaths([path.join(examplesDir, example)]);
    const notes = problems.filter((problem) => problem.severity !== 'info' || problem.object?.kind !== 'Deployment');
    assert.deepEqual(notes, []);
    assert.ok(objects > 0);
  });
}

test("the routes of myapp are the tutorial's, byte for byte", { skip: requires({ shared: true }) }, () => {
  const ours = readFileSync(path.join(examplesDir, 'myapp/app-gateway.yaml'));
  assert.ok(ours.equals(readFileSync(path.join(sharedDir, 'seed/app-gateway.yaml'))));
});

describe('the examples as their READMEs say', () => {
  test('myapp splits in half', () =>
    withExample('myapp', async (gateway) => {
      const seen = await countVersions(100, () => get(gateway.httpPort, '/'));
      assert.deepEqual(Object.keys(seen).sort(), ['v1', 'v2']);
      assert.ok((seen['v1'] ?? 0) >= 45 && (seen['v1'] ?? 0) <= 55, JSON.stringify(seen));
    }));

  test('bookinfo serves its paths, sends the root on, and splits the reviews', () =>
    withExample('bookinfo', async (gateway) => {
      const shop = (url: string, headers = {}) =>
        get(gateway.httpPort, url, { host: 'bookinfo.localhost', ...headers });
      const reviews = (headers = {}) => get(gateway.httpPort, '/', { host: 'reviews.bookinfo.localhost', ...headers });

      for (const url of ['/productpage', '/static/style.css', '/api/v1/products', '/api/v1/products/7/ratings']) {
        assert.match((await shop(url)).body, /productpage v1/, url);
      }
      for (const url of ['/api/v1/products/x', '/admin', '/productpage/more']) {
        assert.equal((await shop(url)).status, 404, url);
      }
      const root = await shop('/');
      assert.equal(root.status, 302);
      assert.match(root.headers.location ?? '', /\/productpage$/);

      const everyone = await countVersions(100, () => reviews());
      assert.ok((everyone['v2'] ?? 0) >= 15 && (everyone['v2'] ?? 0) <= 25, JSON.stringify(everyone));
      assert.equal(everyone['v3'], undefined);
      assert.deepEqual(await countVersions(5, () => reviews({ 'end-user': 'tester' })), { v3: 5 });
      assert.equal((await get(gateway.httpPort, '/', { host: 'elsewhere.localhost' })).status, 404);
    }));
});
