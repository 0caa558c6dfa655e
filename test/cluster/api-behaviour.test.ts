/**
 * What an API server answers, as the program's client meets it: stated once, true of the test API server and (under KUBECONFIG)
 * of a real one. It was found by laying the answers of kube-apiserver 1.32 beside those of the test API server.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isRealCluster, TestCluster } from '#test/kit/cluster.ts';
import { eventually } from '#test/kit/eventually.ts';
import { type RawAnswer, RawCluster, type RawOptions } from '#test/kit/raw-cluster.ts';
import { requires } from '#test/kit/require.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const skip = requires({ programs: ['kubectl'] });

describe('an API server', { skip }, () => {
  let cluster: TestCluster;
  let raw: RawCluster;
  let namespace: string;
  let virtualServices: string;
  let configMaps: string;

  before(async () => {
    cluster = await TestCluster.open({ rbac: 'enforced' });
    raw = new RawCluster(cluster.kubeconfig);
    await cluster.installIstioKinds();
    namespace = await cluster.namespace();
    virtualServices = `/apis/networking.istio.io/v1alpha3/namespaces/${namespace}/virtualservices`;
    configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
  });
  after(async () => {
    raw?.close();
    await cluster?.close();
  });

  const call = (method: string, path: string, options?: RawOptions) => raw.call(method, path, options);
  const patch = (path: string, contentType: string, body: unknown) => call('PATCH', path, { contentType, body });
  const weight = (op: string, value: number) => ({ op, path: '/spec/http/0/route/0/weight', value });

  it('answers 422 without details to a JSON Patch whose test fails, and takes a replace of nothing for an add', async () => {
    const path = await created('json-patch');
    const refused = await patch(path, JSON_PATCH, [weight('test', 51), weight('replace', 90)]);
    refusal(refused, 422, 'Invalid', /^the server rejected our request due to an error in our request$/);
    assert.deepEqual(refused.body.details, {});
    const bad = await patch(path, JSON_PATCH, [{ op: 'bake', path: '/spec' }]);
    refusal(bad, 422, 'Invalid', /^the server rejected our request/);
    assert.equal((await patch(path, JSON_PATCH, { op: 'test' })).status, 400);
    const replaced = await patch(path, JSON_PATCH, [{ op: 'replace', path: '/spec/missing', value: true }]);
    assert.equal(replaced.status, 200);
    assert.equal((await patch(path, JSON_PATCH, [{ op: 'remove', path: '/spec/other' }])).status, 422);
    const past = await patch(path, JSON_PATCH, [{ op: 'replace', path: '/spec/http/7', value: {} }]);
    assert.equal(past.status, 422);
  });

  it('answers 409 to whoever knows an older version, and 422 to whoever names none of a custom resource', async () => {
    const path = await created('versions');
    const old = { metadata: { resourceVersion: '1' } };
    for (const target of [path, `${path}/status`])
      refusal(await patch(target, MERGE_PATCH, old), 409, 'Conflict', /the object has been modified; please apply/);
    const without = await call('PUT', path, { body: aVirtualService('versions') });
    refusal(without, 422, 'Invalid', /^virtualservices.* "versions" is invalid: metadata.resourceVersion: .*0x0: must/);
    const taken = await patch(path, MERGE_PATCH, { metadata: { resourceVersion: null } });
    refusal(taken, 422, 'Invalid', /must be specified for an update/);
    const missing = await call('PUT', `${virtualServices}/nothing`, { body: aVirtualService('nothing') });
    refusal(missing, 404, 'NotFound', /"nothing" not found/);
  });

  it('says of a delete what its preconditions met, and marks what finalizers hold', async () => {
    const path = await created('held', { finalizers: ['mesh-gateway.test/hold'] });
    const unmet = await call('DELETE', path, { body: { preconditions: { resourceVersion: '1' } } });
    refusal(unmet, 409, 'Conflict', /the ResourceVersion in the precondition \(1\) does not match/);
    const marked = await call('DELETE', path);
    assert.ok(marked.body.metadata['deletionTimestamp']);
    assert.equal(marked.body.metadata['generation'], 2);
    assert.equal((await patch(path, MERGE_PATCH, { metadata: { finalizers: null } })).status, 200);
    assert.equal((await call('GET', path)).status, 404);
    const gone = await call('DELETE', await created('gone'));
    assert.deepEqual([gone.body.status, gone.body.code], ['Success', undefined]);
  });

  it('pages lists, counts the rest for whoever selects nothing, and refuses what it cannot mean', async () => {
    for (const name of ['page-1', 'page-2', 'page-3']) await created(name, { labels: { page: 'yes' } });
    const first = await call('GET', `${virtualServices}?limit=1`);
    assert.ok(Number(first.body.metadata['remainingItemCount']) >= 2);
    const selected = await call('GET', `${virtualServices}?limit=1&labelSelector=page%3Dyes`);
    assert.equal(selected.body.metadata['remainingItemCount'], undefined);
    const next = await call('GET', `${virtualServices}?limit=1&continue=${String(first.body.metadata['continue'])}`);
    assert.equal(next.body.metadata['resourceVersion'], first.body.metadata['resourceVersion']);
    refusal(await call('GET', `${virtualServices}?limit=1&continue=abc`), 400, 'BadRequest', /continue/);
    refusal(
      await call('GET', `${virtualServices}?resourceVersion=abc`),
      500,
      undefined,
      /resourceVersion: Invalid value/,
    );
    const match = await call('GET', `${virtualServices}?resourceVersionMatch=Exact`);
    refusal(match, 422, 'Invalid', /^ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden/);
    const field = await call('GET', `${virtualServices}?fieldSelector=spec.hosts%3Da`);
    refusal(field, 400, 'BadRequest', /field label not supported: spec.hosts/);
    const empty = await call('GET', virtualServices.replace('virtualservices', 'serviceentries'));
    assert.deepEqual([empty.body.items, empty.body.metadata['continue']], [[], '']);
  });

  it('tells a version of the future apart: a list is refused with a time to come back, a watch waits', async () => {
    const list = await call('GET', `${configMaps}?resourceVersion=99999999999`);
    refusal(list, 504, 'Timeout', /Too large resource version: 99999999999, current: \d+/);
    assert.equal(list.headers['retry-after'], '1');
    const watch = await call('GET', `${configMaps}?watch=true&resourceVersion=99999999999&timeoutSeconds=1`);
    assert.deepEqual([watch.status, watch.events], [200, []]);
  });

  it('tells a watch of what leaves its selection as it was before, with the version of now', async () => {
    const at = (await call('GET', configMaps)).body.metadata['resourceVersion'];
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'leaves', labels: { kept: 'yes' } } };
    await call('POST', configMaps, { body });
    const left = await patch(`${configMaps}/leaves`, MERGE_PATCH, { metadata: { labels: { kept: 'no' } } });
    const watch = `watch=true&timeoutSeconds=1&labelSelector=kept%3Dyes&resourceVersion=${String(at)}`;
    const { events } = await call('GET', `${configMaps}?${watch}`);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['ADDED', 'DELETED'],
    );
    assert.deepEqual(events[1]?.object.metadata['labels'], { kept: 'yes' });
    assert.equal(events[1]?.object.metadata['resourceVersion'], left.body.metadata['resourceVersion']);
    refusal(await call('GET', `${configMaps}?watch=true&timeoutSeconds=abc`), 400, 'BadRequest', /strconv.ParseInt/);
  });

  it('knows the unknown: a path, a kind of the core, a kind of another group', async () => {
    for (const path of ['/nothing', '/apis/nothing.example/v1/things', virtualServices.replace('virtual', 'no')])
      assert.match((await call('GET', path)).body.message ?? '', /^404 page not found$/);
    refusal(
      await call('GET', '/api/v1/nothings'),
      404,
      'NotFound',
      /^the server could not find the requested resource$/,
    );
    const kind = await call('POST', virtualServices, { body: { ...aVirtualService('kind'), kind: 'Gateway' } });
    refusal(kind, 422, 'Invalid', /^Gateway.networking.istio.io "kind" is invalid: kind: .*must be VirtualService$/);
    const kindless = await call('POST', virtualServices, { body: { metadata: { name: 'kindless' } } });
    refusal(kindless, 400, 'BadRequest', /Object 'Kind' is missing/);
    const label = await call('POST', virtualServices, { body: aVirtualService('label', { labels: { 'a b': 'c' } }) });
    refusal(label, 422, 'Invalid', /metadata.labels: Invalid value: "a b": name part must consist/);
  });

  it('wants a Lease with six digits of a second and a duration, and gives an empty holder back', async () => {
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const lease = (spec: object) => ({
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: { name: 'l' },
      spec,
    });
    const bad = await call('POST', leases, { body: lease({ renewTime: '2026-01-01T00:00:00.5Z' }) });
    refusal(bad, 400, 'BadRequest', /^Lease in version "v1" cannot be handled as a Lease: parsing time/);
    const none = await call('POST', leases, { body: lease({ holderIdentity: 'a', leaseDurationSeconds: 0 }) });
    refusal(none, 422, 'Invalid', /spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0/);
    const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: '2026-01-01T00:00:00.500000Z' };
    assert.equal((await call('POST', leases, { body: lease(spec) })).status, 201);
  });

  it('gives the ports of a slice names, and leaves readiness unsaid', async () => {
    const isSliced = await cluster.serves('discovery.k8s.io/v1');
    if (!isSliced) return;
    const body = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'slice' },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.244.0.11'] }],
      ports: [{ port: 80 }],
    };
    const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    const slice: unknown = (await call('POST', path, { body })).body;
    const { ports, endpoints } = slice as { ports: unknown; endpoints: unknown };
    assert.deepEqual(ports, [{ name: '', port: 80, protocol: 'TCP' }]);
    assert.deepEqual(endpoints, [{ addresses: ['10.244.0.11'], conditions: {} }]);
  });

  it('gives an account a token with its claims, for ten minutes at least, and tells what the account may not', async () => {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'asker' } };
    assert.equal((await call('POST', accounts, { body: account })).status, 201);
    const ask = (expirationSeconds: number) =>
      call('POST', `${accounts}/asker/token`, {
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds } },
      });
    refusal(await ask(60), 422, 'Invalid', /may not specify a duration less than 10 minutes/);
    const { token } = (await ask(600)).body.status as { token: string };
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;
    assert.equal(claims['sub'], `system:serviceaccount:${namespace}:asker`);
    assert.equal(Number(claims['exp']) - Number(claims['iat']), 600);
    const refused = await call('GET', virtualServices, { token });
    const who = `User "system:serviceaccount:${namespace}:asker" cannot list resource "virtualservices"`;
    refusal(refused, 403, 'Forbidden', new RegExp(`^virtualservices.networking.istio.io is forbidden: ${who}`));
    refusal(await call('GET', virtualServices, { token: `${token}x` }), 401, 'Unauthorized', /^Unauthorized$/);
  });

  it('does not tell twice what it serves, where it tells in one document', async () => {
    const accept = { accept: `${AGGREGATED},application/json` };
    for (const root of ['/api', '/apis']) {
      const { headers } = await call('GET', root, { headers: accept });
      if (!/APIGroupDiscoveryList/.test(headers['content-type'] ?? '')) return;
      const again = await call('GET', root, { headers: { ...accept, 'if-none-match': headers.etag ?? '' } });
      assert.equal(again.status, 304);
    }
  });

  it('marks a namespace that goes, before it takes what is in it along', async () => {
    const name = `${namespace}-goes`;
    cluster.afterwards(() => cluster.kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=false']));
    await cluster.run(['create', 'namespace', name]);
    const at = String((await call('GET', '/api/v1/namespaces')).body.metadata['resourceVersion']);
    const marked = await call('DELETE', `/api/v1/namespaces/${name}`);
    assert.deepEqual([marked.body.kind, marked.body.status], ['Namespace', { phase: 'Terminating' }]);
    await eventually(async () => (await call('GET', `/api/v1/namespaces/${name}`)).status === 404, {
      timeoutMs: isRealCluster() ? 60_000 : 5_000,
      what: 'the namespace is gone',
    });
    const watch = `watch=true&timeoutSeconds=1&resourceVersion=${at}&fieldSelector=metadata.name%3D${name}`;
    const types = (await call('GET', `/api/v1/namespaces?${watch}`)).events.map(({ type }) => type);
    assert.deepEqual([types[0], types.at(-1)], ['MODIFIED', 'DELETED']);
  });

  async function created(name: string, metadata: object = {}): Promise<string> {
    const { status, body } = await call('POST', virtualServices, { body: aVirtualService(name, metadata) });
    assert.equal(status, 201, String(body.message));
    return `${virtualServices}/${name}`;
  }
});

function refusal(answer: RawAnswer, status: number, reason: string | undefined, message: RegExp): void {
  assert.deepEqual([answer.status, answer.body.reason], [status, reason], String(answer.body.message));
  assert.match(answer.body.message ?? '', message);
  assert.deepEqual([answer.body.kind, answer.body.code], ['Status', status]);
}

function aVirtualService(name: string, metadata: object = {}): object {
  const route = ['v1', 'v2'].map((subset) => ({ destination: { host: 'myapp', subset }, weight: 50 }));
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'VirtualService',
    metadata: { name, ...metadata },
    spec: { hosts: ['*'], http: [{ route }] },
  };
}
