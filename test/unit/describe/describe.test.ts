import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nearObject } from '#gateway/control/describe/near-object.ts';
import { describeObject, type ObjectDescription } from '#gateway/control/describe/object-description.ts';
import { resourceKey } from '#gateway/control/resource/resource.ts';
import { makeCa } from '../../kit/certificates.ts';
import { ClusterRoad, clientOf, objectsOf, shopServer, versionOf } from '../change/cluster-kit.ts';

const HOST = 'shop.default.svc.cluster.local';

async function road(context: TestContext): Promise<ClusterRoad> {
  const server = await shopServer(context);
  return new ClusterRoad(context, server, clientOf(context, server)).ready();
}

/** Adds objects beside the shop's. */
async function add({ controller }: ClusterRoad, yaml: string): Promise<void> {
  for (const object of objectsOf(yaml)) controller.handle({ type: 'upsert', object: versionOf(object) });
  await controller.settled();
}

function describe(
  { store, controller, publisher }: ClusterRoad,
  kind: string,
  name: string,
  namespace = 'default',
): ObjectDescription {
  const found = describeObject(
    { kind, namespace, name },
    {
      objects: store,
      quarantinedSince: (key) => controller.quarantinedSince(key),
      snapshot: publisher.served,
    },
  );
  assert.ok(found);
  return found;
}

const named = (references: ObjectDescription['refersTo']): string[] =>
  references.map((one) => `${resourceKey(one)}${one.isThere ? '' : ' (absent)'}`);

test('a VirtualService knows its hosts, its clusters, and what it names', async (context) => {
  const shop = describe(await road(context), 'VirtualService', 'shop');
  assert.equal(shop.fate.state, 'accepted');
  assert.equal(shop.apiVersion, 'networking.istio.io/v1');
  assert.match(shop.position.file, /^cluster:.*\/virtualservices\/shop$/);
  assert.ok(shop.generation === 1 && shop.createdAt !== undefined && shop.fate.acceptedAt !== undefined);
  assert.deepEqual(shop.served.virtualHosts, ['http.31380|shop.example']);
  assert.deepEqual([...shop.served.clusters].sort(), [`outbound|80|v1|${HOST}`, `outbound|80|v2|${HOST}`]);
  assert.deepEqual(named(shop.refersTo), [
    'DestinationRule/default/shop',
    'Gateway/default/edge',
    'Service/default/shop',
  ]);
});

test('whoever is named knows by whom, and what of it is served', async (context) => {
  const node = await road(context);
  const gateway = describe(node, 'Gateway', 'edge');
  assert.deepEqual(
    [gateway.served.listeners, gateway.served.virtualHosts],
    [['http.31380'], ['http.31380|shop.example']],
  );
  assert.deepEqual(named(gateway.referredBy), ['VirtualService/default/shop']);
  const rule = describe(node, 'DestinationRule', 'shop');
  assert.equal(rule.served.clusters.length, 2);
  assert.deepEqual(named(rule.refersTo), ['Service/default/shop']);
  const service = describe(node, 'Service', 'shop');
  assert.deepEqual(named(service.referredBy), ['DestinationRule/default/shop', 'VirtualService/default/shop']);
});

test('what is not taken tells since when, and what is served instead; an absent object is named as absent', async (context) => {
  const node = await road(context);
  const broken = objectsOf(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop, uid: a }
spec:
  hosts: [shop.example]
  gateways: [edge, other]
  http: [{ route: [{ destination: { host: nowhere.default.svc.cluster.local } }] }]
`)[0];
  assert.ok(broken);
  const before = Date.now();
  node.controller.handle({ type: 'upsert', object: versionOf(broken) });
  await node.controller.settled();
  const { fate, served, refersTo } = describe(node, 'VirtualService', 'shop');
  assert.equal(fate.state, 'quarantined');
  assert.ok(fate.since !== undefined && fate.since >= before && (fate.acceptedAt ?? 0) <= fate.since);
  assert.match(fate.lastGood?.file ?? '', /virtualservices\/shop$/);
  assert.equal(served.clusters.length, 2);
  assert.deepEqual(named(refersTo), ['DestinationRule/default/shop', 'Gateway/default/edge', 'Service/default/shop']);
  await add(node, virtualService('fresh', 'nowhere.default.svc.cluster.local'));
  assert.deepEqual(named(describe(node, 'VirtualService', 'fresh').refersTo), [
    'Gateway/default/edge',
    'Service/default/nowhere (absent)',
  ]);
});

function virtualService(name: string, host: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name} }
spec: { hosts: [${name}.example], gateways: [edge], http: [{ route: [{ destination: { host: ${host} } }] }] }
`;
}

test('machines outside: ServiceEntries, with wildcards and selectors, and WorkloadEntries', async (context) => {
  const node = await road(context);
  await add(
    node,
    `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: machines }
spec:
  hosts: [machines.example]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  workloadSelector: { labels: { app: machine } }
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: machine-1 }
spec: { address: 192.0.2.7, labels: { app: machine } }
---
${virtualService('machines', 'machines.example')}`,
  );
  const entry = describe(node, 'ServiceEntry', 'machines');
  assert.deepEqual(named(entry.refersTo), ['WorkloadEntry/default/machine-1']);
  assert.deepEqual(named(entry.referredBy), ['VirtualService/default/machines']);
  assert.deepEqual(entry.served.clusters, ['outbound|80||machines.example']);
  const machine = describe(node, 'WorkloadEntry', 'machine-1');
  assert.deepEqual(machine.served.clusters, ['outbound|80||machines.example']);
  assert.deepEqual(named(machine.referredBy), ['ServiceEntry/default/machines']);
});

test('a ConfigMap of the CA that a Gateway checks clients with knows that Gateway', async (context) => {
  const node = await road(context);
  await add(
    node,
    `
apiVersion: v1
kind: ConfigMap
metadata: { name: clients }
data: { ca.crt: x }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: mutual }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [mutual.example]
      tls: { mode: MUTUAL, credentialName: server, caCertCredentialName: clients }
`,
  );
  assert.ok(named(describe(node, 'Gateway', 'mutual').refersTo).includes('ConfigMap/default/clients'));
  assert.deepEqual(named(describe(node, 'ConfigMap', 'clients').referredBy), ['Gateway/default/mutual']);
});

test('of a Secret only what everybody may know of its certificate is told', async (context) => {
  const node = await road(context);
  const { certificatePem, privateKeyPem } = await (await makeCa('site')).issue({ names: ['shop.example'] });
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  await add(
    node,
    `
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: { name: shop-tls }
data: { tls.crt: ${encode(certificatePem)}, tls.key: ${encode(privateKeyPem)} }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: secure }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [shop.example]
      tls: { mode: SIMPLE, credentialName: shop-tls }
`,
  );
  const secret = describe(node, 'Secret', 'shop-tls');
  assert.deepEqual(secret.certificate?.names, ['shop.example']);
  assert.deepEqual(named(secret.referredBy), ['Gateway/default/secure']);
  const text = JSON.stringify(secret);
  assert.ok(
    !text.includes('PRIVATE') &&
      !text.includes(encode(privateKeyPem).slice(40, 80)) &&
      !text.includes('CERTIFICATE-----'),
  );
});

test('endpoints that get no traffic are told of their Service', async (context) => {
  const node = await road(context);
  await add(
    node,
    `
apiVersion: v1
kind: Service
metadata: { name: plain }
spec: { ports: [{ port: 80, name: http }], selector: { app: plain } }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: plain-1, labels: { kubernetes.io/service-name: plain } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints:
  - { addresses: [10.0.0.1], conditions: { ready: true } }
  - { addresses: [10.0.0.2], conditions: { ready: false }, targetRef: { kind: Pod, name: plain-b, namespace: default } }
  - { addresses: [10.0.0.3], conditions: { ready: false, serving: true, terminating: true } }
`,
  );
  assert.deepEqual(describe(node, 'Service', 'plain').notReady, [
    { address: '10.0.0.2', why: 'not ready (pod plain-b)' },
    { address: '10.0.0.3', why: 'terminating' },
  ]);
  assert.deepEqual(named(describe(node, 'Service', 'plain').referredBy), ['EndpointSlice/default/plain-1']);
});

test('an object that is not there has no description; one of the same or a similar name is suggested', async (context) => {
  const { store } = await road(context);
  const parts = { objects: store, quarantinedSince: () => undefined, snapshot: undefined };
  for (const kind of ['VirtualService', '__proto__', 'constructor'])
    assert.equal(describeObject({ kind, namespace: 'default', name: 'shp' }, parts), undefined);
  const near = (kind: string, namespace: string, name: string) => nearObject({ kind, namespace, name }, store.all());
  assert.deepEqual(near('VirtualService', 'default', 'shp'), {
    kind: 'VirtualService',
    namespace: 'default',
    name: 'shop',
  });
  assert.deepEqual(near('VirtualService', 'other', 'shop'), {
    kind: 'VirtualService',
    namespace: 'default',
    name: 'shop',
  });
  assert.equal(near('VirtualService', 'default', 'quite-another'), undefined);
  assert.equal(near('Secret', 'default', 'shop'), undefined);
});
