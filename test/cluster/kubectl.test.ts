/**
 * The real kubectl as the client: proves that the test API server is one to it, and (under KUBECONFIG) that a real cluster
 * answers the same. What the rest of the program relies on in a cluster is stated here, and nothing else.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { isRealCluster, TestCluster } from '#test/kit/cluster.ts';
import { eventually } from '#test/kit/eventually.ts';
import { requires, sharedDir } from '#test/kit/require.ts';

const OWNERS_OBJECTS = path.join(sharedDir, 'seed/app-gateway.yaml');
const OWNERS_APPLICATION = path.join(sharedDir, 'seed/myapp.yaml');
const skip = requires({ shared: true, programs: ['kubectl'] });

describe('kubectl and the cluster', { skip }, () => {
  let cluster: TestCluster;
  let namespace: string;

  before(async () => {
    cluster = await TestCluster.open();
    await cluster.installIstioKinds();
    namespace = await cluster.namespace();
  });
  after(() => cluster.close());

  const run = (...args: string[]) => cluster.run(['-n', namespace, ...args]);
  const kubectl = (...args: string[]) => cluster.kubectl(['-n', namespace, ...args]);
  const get = (kind: string, name: string) => cluster.get(namespace, kind, name);
  const weights = (object: KubeObject) => routesOf(object).map((route) => route.weight);
  const applyOwners = () => run('apply', '-f', OWNERS_OBJECTS);

  it("takes the owner's three objects as they are, and finds nothing to change the second time", async () => {
    assert.match(await applyOwners(), /gateway\S+ created\n[\s\S]*virtualservice\S+ created/);
    const first = await get('virtualservice', 'myapp');
    const again = await applyOwners();
    assert.equal(again.match(/unchanged/g)?.length, 3, again);
    const second = await get('virtualservice', 'myapp');
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    assert.equal(second.metadata.generation, 1);
    assert.match(
      second.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'] ?? '',
      /"weight":50/,
    );
    assert.deepEqual(weights(second), [50, 50]);
  });

  it('shows an object in every version that is served, and as a table', async () => {
    await applyOwners();
    const versions = await cluster.run(['api-versions']);
    const served: string[] = versions.match(/(?<=^networking\.istio\.io\/)\S+$/gm) ?? [];
    assert.ok(served.includes('v1alpha3'), "the owner's version is served");
    for (const version of served) {
      const text = await run('get', `virtualservices.${version}.networking.istio.io`, 'myapp', '-o', 'yaml');
      assert.match(text, new RegExp(`^apiVersion: networking.istio.io/${version}$`, 'm'));
    }
    assert.match(await run('get', 'virtualservices'), /^NAME.*AGE\nmyapp\s/);
    assert.match(await run('get', 'virtualservices', '-o', 'name'), /^virtualservice.networking.istio.io\/myapp$/m);
  });

  it('applies a JSON Patch that tests the weights it was decided on, and refuses it afterwards', async () => {
    await applyOwners();
    await setWeights(50, 50);
    const patch = JSON.stringify([
      { op: 'test', path: '/spec/http/0/route/0/weight', value: 50 },
      { op: 'test', path: '/spec/http/0/route/1/weight', value: 50 },
      { op: 'replace', path: '/spec/http/0/route/0/weight', value: 90 },
      { op: 'replace', path: '/spec/http/0/route/1/weight', value: 10 },
    ]);
    await run('patch', 'virtualservice', 'myapp', '--type=json', '-p', patch);
    const patched = await get('virtualservice', 'myapp');
    assert.deepEqual(weights(patched), [90, 10]);
    const refused = await kubectl('patch', 'virtualservice', 'myapp', '--type=json', '-p', patch);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /The request is invalid/);
    const after = await get('virtualservice', 'myapp');
    assert.equal(after.metadata.resourceVersion, patched.metadata.resourceVersion);
  });

  it('replaces whole arrays by a merge patch', async () => {
    await applyOwners();
    const body = { spec: { http: [{ route: [{ destination: { host: 'myapp', subset: 'v2' } }] }] } };
    await run('patch', 'virtualservice', 'myapp', '--type=merge', '-p', JSON.stringify(body));
    assert.equal(routesOf(await get('virtualservice', 'myapp')).length, 1);
    await run('delete', '-f', OWNERS_OBJECTS);
  });

  it("merges a Service's ports by their number, and refuses that kind of patch for custom resources", async () => {
    await applyService();
    const body = JSON.stringify({ spec: { ports: [{ port: 8080, name: 'more' }] } });
    await run('patch', 'service', 'myapp', '--type=strategic', '-p', body);
    const ports = portsOf(await get('service', 'myapp'));
    assert.deepEqual(
      ports.toSorted((a, b) => a - b),
      [80, 8080],
    );
    await applyOwners();
    const refused = await kubectl('patch', 'virtualservice', 'myapp', '--type=strategic', '-p', '{}');
    assert.match(refused.stderr, /unknown format|not supported|UnsupportedMediaType/);
  });

  it('refuses to replace a version that somebody else has changed', async () => {
    await applyOwners();
    const seen = await get('virtualservice', 'myapp');
    await run('label', 'virtualservice', 'myapp', `touched=${randomBytes(4).toString('hex')}`, '--overwrite');
    const late = await cluster.kubectl(['-n', namespace, 'replace', '-f', '-'], { stdin: seen });
    assert.notEqual(late.code, 0);
    assert.match(late.stderr, /the object has been modified; please apply your changes to the latest version/);
    const current = await get('virtualservice', 'myapp');
    await cluster.run(['-n', namespace, 'replace', '-f', '-'], { stdin: current });
    // What was replaced counts as applied, its version included, and an apply without one would take that away.
    await run('delete', 'virtualservice', 'myapp');
  });

  it('tells a watch of a change, a deletion and a creation', async () => {
    await applyOwners();
    const seen: string[] = [];
    const child = cluster.start([
      '-n',
      namespace,
      'get',
      'virtualservices',
      '--watch',
      '--output-watch-events',
      '-o',
      'json',
    ]);
    assert.ok(child.stdout);
    createInterface(child.stdout).on('line', (line) => seen.push((JSON.parse(line) as { type: string }).type));
    const text = () => seen.join(' ');
    await eventually(() => text() === 'ADDED', { what: 'the watch began', timeoutMs: 20_000 });
    await setWeights(20, 80);
    await eventually(() => text() === 'ADDED MODIFIED', { what: 'the change', timeoutMs: 20_000 });
    await run('delete', 'virtualservice', 'myapp');
    await applyOwners();
    await eventually(() => text() === 'ADDED MODIFIED DELETED ADDED', { what: 'the new object', timeoutMs: 20_000 });
    child.kill();
  });

  it('pages a long list', async () => {
    const items = Array.from({ length: 7 }, (_, index) => aConfigMap(`page-${index}`));
    await cluster.run(['-n', namespace, 'apply', '-f', '-'], { stdin: { apiVersion: 'v1', kind: 'List', items } });
    const names = await run('get', 'configmaps', '--chunk-size=2', '-l', 'page=yes', '-o', 'name');
    assert.equal(names.trim().split('\n').length, 7);
    await run('delete', 'configmaps', '-l', 'page=yes');
    assert.equal(await run('get', 'configmaps', '-l', 'page=yes', '-o', 'name'), '');
  });

  it('applies on the server, and tells the manager of a field that somebody else changed', async () => {
    await applyService();
    const apply = (manager: string, body: unknown, ...more: string[]) =>
      cluster.kubectl(['-n', namespace, 'apply', '--server-side', `--field-manager=${manager}`, ...more, '-f', '-'], {
        stdin: body,
      });
    const settings = (value: string) => ({ ...aConfigMap('owned'), data: { colour: value } });
    assert.equal((await apply('one', settings('blue'))).code, 0);
    const refused = await apply('two', settings('red'));
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /conflict with "one".*\.data\.colour/s);
    assert.equal((await apply('two', settings('red'), '--force-conflicts')).code, 0);
    assert.deepEqual((await get('configmap', 'owned'))['data'], { colour: 'red' });
  });

  it('removes by file, and says what is not there', async () => {
    await applyOwners();
    await run('delete', '-f', OWNERS_OBJECTS);
    const { code, stderr } = await kubectl('get', 'virtualservice', 'myapp');
    assert.notEqual(code, 0);
    assert.match(stderr, /virtualservices.networking.istio.io "myapp" not found/);
  });

  it("takes the owner's application where extensions/v1beta1 is still served, and says so where it is not", async () => {
    const served = await cluster.serves('extensions/v1beta1');
    const { code, stderr } = await kubectl('apply', '-f', OWNERS_APPLICATION);
    if (served) assert.equal(code, 0, stderr);
    else assert.match(stderr, /no matches for kind "Deployment" in version "extensions\/v1beta1"/);
    assert.deepEqual(portsOf(await get('service', 'myapp')).includes(80), true);
  });

  it("takes the owner's application whole in a cluster of the owner's age", {
    skip: isRealCluster() && 'it has its own age',
  }, async () => {
    const old = await TestCluster.open({ version: '1.12' });
    try {
      assert.match(
        await old.run(['apply', '-f', OWNERS_APPLICATION]),
        /service\/myapp created\ndeployment\S+ created\ndeployment\S+ created/,
      );
      const again = await old.run(['apply', '-f', OWNERS_APPLICATION]);
      assert.equal(again.match(/unchanged/g)?.length, 3, again);
    } finally {
      await old.close();
    }
  });

  it('serves a new kind as soon as it is defined, drops what its schema does not know, and forgets all of it with the definition', async () => {
    const group = `${randomBytes(4).toString('hex')}.mesh-gateway.test`;
    const name = `things.${group}`;
    cluster.afterwards(() => cluster.kubectl(['delete', 'crd', name, '--ignore-not-found']));
    await cluster.run(['create', '-f', '-'], { stdin: aDefinition(group) });
    await cluster.established(name);
    const thing = { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: 'one' }, spec: { size: 1, sise: 2 } };
    const strict = await cluster.kubectl(['-n', namespace, 'create', '--validate=false', '-f', '-'], { stdin: thing });
    assert.equal(strict.code, 0, strict.stderr);
    assert.deepEqual((await get(name, 'one'))['spec'], { size: 1 });
    const wrong = { ...thing, metadata: { name: 'two' }, spec: { size: 'big' } };
    const refused = await cluster.kubectl(['-n', namespace, 'create', '--validate=false', '-f', '-'], { stdin: wrong });
    assert.match(refused.stderr, /spec\.size/);
    await cluster.run(['delete', 'crd', name]);
    assert.notEqual((await kubectl('get', name)).code, 0);
  });

  async function setWeights(...wanted: readonly number[]): Promise<void> {
    const patch = wanted.map((value, index) => ({ op: 'replace', path: `/spec/http/0/route/${index}/weight`, value }));
    await run('patch', 'virtualservice', 'myapp', '--type=json', '-p', JSON.stringify(patch));
  }

  async function applyService(): Promise<void> {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'myapp', labels: { app: 'myapp' } },
      spec: { ports: [{ port: 80, name: 'http' }], selector: { app: 'myapp' } },
    };
    await cluster.run(['-n', namespace, 'apply', '-f', '-'], { stdin: service });
  }
});

function routesOf(object: KubeObject): { weight: number }[] {
  return (object['spec'] as { http: { route: { weight: number }[] }[] }).http.flatMap((http) => http.route);
}

function portsOf(object: KubeObject): number[] {
  return (object['spec'] as { ports: { port: number }[] }).ports.map(({ port }) => port);
}

function aConfigMap(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { page: 'yes' } } };
}

function aDefinition(group: string): KubeObject {
  const spec = { type: 'object', properties: { size: { type: 'integer' } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${group}` },
    spec: {
      group,
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        },
      ],
    },
  };
}
