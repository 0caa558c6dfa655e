import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AccessFile } from '#gateway/control/kubernetes/access-file.ts';
import { ApiClient } from '#gateway/control/kubernetes/api-client.ts';
import { Discovery } from '#gateway/control/kubernetes/discovery.ts';
import { resourcePath } from '#gateway/control/kubernetes/resource-path.ts';
import { refuse, respond, type StubHandler, StubServer, stubCa, writeKubeconfig } from './stub-server.ts';

const ISTIO = 'networking.istio.io';
const virtualService = { group: ISTIO, kind: 'VirtualService', versions: ['v1', 'v1beta1', 'v1alpha3'] };
const slice = { group: 'discovery.k8s.io', kind: 'EndpointSlice', versions: ['v1', 'v1beta1'] };
const pod = { group: '', kind: 'Pod', versions: ['v1'] };

async function discover(
  context: TestContext,
  handler: StubHandler,
): Promise<{ stub: StubServer; discovery: Discovery }> {
  const stub = await StubServer.start();
  context.after(() => stub.stop());
  stub.handler = handler;
  const ca = Buffer.from((await stubCa()).certificatePem).toString('base64');
  const kubeconfig = writeKubeconfig(context, { server: stub.url, 'certificate-authority-data': ca });
  const client = new ApiClient(new AccessFile({ kubeconfig }));
  context.after(() => client.close());
  return { stub, discovery: new Discovery(client, ['', ISTIO, 'discovery.k8s.io']) };
}

function aggregated(groups: Record<string, unknown>): unknown {
  const items = Object.entries(groups).map(([name, versions]) => ({ metadata: { name }, versions }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', items };
}

function version(name: string, kind: string, plural: string, freshness = 'Current'): unknown {
  const resources = [
    { resource: plural, responseKind: { kind }, scope: 'Namespaced', subresources: [{ subresource: 'status' }] },
  ];
  return { version: name, resources, freshness };
}

const CORE = aggregated({ '': [version('v1', 'Pod', 'pods')] });

test('an aggregated document tells kinds, versions and paths in two requests', async (context) => {
  const istio = [
    version('v1beta1', 'VirtualService', 'virtualservices'),
    version('v1', 'VirtualService', 'virtualservices'),
  ];
  const { stub, discovery } = await discover(context, ({ url }, response) =>
    respond(response, 200, url === '/api' ? CORE : aggregated({ [ISTIO]: istio })),
  );
  assert.equal(discovery.isKnown, false);
  await discovery.refresh();
  assert.equal(stub.requests.length, 2);
  const found = discovery.find(virtualService);
  assert.equal(found?.version, 'v1');
  assert.equal(discovery.find(slice), undefined);
  assert.equal(discovery.isKnown, true);
  const path = resourcePath(found ?? assert.fail(), { namespace: 'default', name: 'myapp', subresource: 'status' });
  assert.equal(path, '/apis/networking.istio.io/v1/namespaces/default/virtualservices/myapp/status');
  assert.equal(resourcePath(discovery.find(pod) ?? assert.fail()), '/api/v1/pods');
});

test('a kind that comes or goes is seen at the next refresh, and nothing new costs no document', async (context) => {
  let groups: Record<string, unknown> = {};
  let etag = '"1"';
  const matched: string[] = [];
  const { discovery } = await discover(context, ({ url }, response, raw) => {
    if (url === '/api') return respond(response, 200, CORE);
    if (raw.headers['if-none-match'] === etag) {
      matched.push(etag);
      return void response.writeHead(304).end();
    }
    return respond(response, 200, aggregated(groups), { etag });
  });
  await discovery.refresh();
  await discovery.refresh();
  assert.deepEqual(matched, ['"1"']);
  groups = { [ISTIO]: [version('v1alpha3', 'VirtualService', 'virtualservices')] };
  etag = '"2"';
  await discovery.refresh();
  assert.equal(discovery.find(virtualService)?.version, 'v1alpha3');
  groups = {};
  etag = '"3"';
  await discovery.refresh();
  assert.equal(discovery.find(virtualService), undefined);
});

test('a group whose server cannot be asked keeps what was known of it', async (context) => {
  let groups = { [ISTIO]: [version('v1', 'VirtualService', 'virtualservices')] };
  const { discovery } = await discover(context, ({ url }, response) =>
    respond(response, 200, url === '/api' ? CORE : aggregated(groups)),
  );
  await discovery.refresh();
  groups = { [ISTIO]: [{ version: 'v1', freshness: 'Stale' }] };
  await discovery.refresh();
  assert.equal(discovery.find(virtualService)?.version, 'v1');
});

const OLD: Readonly<Record<string, unknown>> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/api/v1': {
    kind: 'APIResourceList',
    resources: [
      { name: 'pods', kind: 'Pod', namespaced: true },
      { name: 'pods/status', kind: 'Pod', namespaced: true },
    ],
  },
  '/apis': {
    kind: 'APIGroupList',
    groups: [
      { name: 'apps', versions: [{ version: 'v1' }] },
      { name: ISTIO, preferredVersion: { version: 'v1alpha3' }, versions: [{ version: 'v1alpha3' }] },
    ],
  },
  [`/apis/${ISTIO}/v1alpha3`]: {
    kind: 'APIResourceList',
    resources: [{ name: 'virtualservices', kind: 'VirtualService', namespaced: true }],
  },
};

test('a server from before aggregated discovery is asked for the groups that matter, one by one', async (context) => {
  const { stub, discovery } = await discover(context, ({ url }, response) => respond(response, 200, OLD[url]));
  await discovery.refresh();
  assert.deepEqual(
    stub.requests.map(({ url }) => url),
    ['/api', '/api/v1', '/apis', `/apis/${ISTIO}/v1alpha3`],
  );
  assert.equal(discovery.find(virtualService)?.version, 'v1alpha3');
  assert.equal(discovery.find(pod)?.plural, 'pods');
  assert.equal(discovery.find(slice), undefined);
});

test('an old server that fails for one group keeps what was known of that group', async (context) => {
  let failing = false;
  const { discovery } = await discover(context, ({ url }, response) =>
    failing && url.startsWith(`/apis/${ISTIO}`)
      ? refuse(response, 503, 'ServiceUnavailable')
      : respond(response, 200, OLD[url]),
  );
  await discovery.refresh();
  failing = true;
  await discovery.refresh();
  assert.equal(discovery.find(virtualService)?.version, 'v1alpha3');
});

test('a refresh that fails leaves everything as it was', async (context) => {
  let failing = false;
  const { discovery } = await discover(context, ({ url }, response) =>
    failing ? refuse(response, 403, 'Forbidden') : respond(response, 200, OLD[url]),
  );
  await discovery.refresh();
  failing = true;
  await assert.rejects(discovery.refresh(), { status: 403 });
  assert.equal(discovery.find(pod)?.plural, 'pods');
});

test('JSON of something else than an API server makes no kind go', async (context) => {
  let answers: 'kubernetes' | 'another' = 'kubernetes';
  const { discovery } = await discover(context, ({ url }, response) => {
    if (answers === 'another') respond(response, 200, { status: 'ok' });
    else respond(response, 200, url === '/api' ? CORE : aggregated({}));
  });
  await discovery.refresh();
  answers = 'another';
  await assert.rejects(discovery.refresh(), /no list of what it serves/);
  assert.equal(discovery.find(pod)?.plural, 'pods');
});
