import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GatewayIdentity } from '#gateway/control/build/builder.ts';
import { buildFrom, gateway, httpServer, pod, service, virtualService } from './from-yaml.ts';

const ROUTE =
  gateway([httpServer(['*'])]) + virtualService({ hosts: ['*'], http: '[{route: [{destination: {host: app}}]}]' });

/** Zones a and b of region r, zone c of region s. */
const NODES = ['r/a/1', 'r/a/2', 'r/b/', 's/c/', '//'].map((place, index) => {
  const [region = '', zone = '', subzone = ''] = place.split('/');
  const labels = [
    region && `topology.kubernetes.io/region: ${region}`,
    zone && `topology.kubernetes.io/zone: ${zone}`,
    subzone && `topology.istio.io/subzone: "${subzone}"`,
  ];
  return `
apiVersion: v1
kind: Node
metadata: {name: node-${index + 1}, labels: {${labels.filter(Boolean).join(', ')}}}
---`;
});

/** One endpoint on each node: 10.1.0.1 on node-1... */
function slice(more: (index: number) => string = () => ''): string {
  const endpoints = NODES.map((_, index) => {
    return `{addresses: [10.1.0.${index + 1}], nodeName: node-${index + 1}${more(index)}}`;
  });
  return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-1, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
endpoints: [${endpoints.join(', ')}]
ports: [{port: 80}]
---`;
}

function rule(policy: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: app}
spec: {host: app, trafficPolicy: {${policy}}}
---`;
}

function locality(setting: string): string {
  return rule(`outlierDetection: {}, loadBalancer: {localityLbSetting: ${setting}}`);
}

const AT_NODE_1 = { node: 'node-1' };
const APP = service('app', '{app: app}');

function cluster(objects: string, identity: Partial<GatewayIdentity> = AT_NODE_1) {
  const { units } = buildFrom([ROUTE, NODES.join(''), objects], identity);
  const found = units.clusters['outbound|80||app.default.svc.cluster.local'];
  assert.ok(found);
  return found;
}

/** Priorities by the last number of the address. */
function priorities(objects: string, identity: Partial<GatewayIdentity> = AT_NODE_1): Record<string, number> {
  const { endpoints } = cluster(objects, identity);
  return Object.fromEntries(
    endpoints.map(({ address, priority = 0 }): [string, number] => [address.replace(/^.*\./, ''), priority]),
  );
}

const ALIKE = { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 };
/** Without regard to subzones. */
const ZONE_FIRST = { 1: 0, 2: 0, 3: 1, 4: 2, 5: 2 };
const NEAR_FIRST = { 1: 0, 2: 1, 3: 2, 4: 3, 5: 3 };

describe('locality, as Istio has it', () => {
  test('counts where outlierDetection is written: subzone, zone, region, elsewhere', () => {
    assert.deepEqual(priorities(APP + slice()), ALIKE);
    assert.deepEqual(priorities(APP + slice() + rule('outlierDetection: {}')), NEAR_FIRST);
    assert.deepEqual(priorities(APP + slice() + locality('{enabled: true}')), NEAR_FIRST);
    assert.deepEqual(priorities(APP + slice() + locality('{enabled: false}')), ALIKE);
    assert.deepEqual(priorities(APP + slice() + rule('loadBalancer: {localityLbSetting: {enabled: true}}')), ALIKE);
  });

  test('of the gateway is that of its Node, or of its settings; without either all endpoints are alike', () => {
    const objects = APP + slice() + rule('outlierDetection: {}');
    const own = { region: 's', zone: 'c', subzone: '' };
    assert.deepEqual(priorities(objects, { node: 'node-4' }), { 1: 1, 2: 1, 3: 1, 4: 0, 5: 1 });
    assert.deepEqual(priorities(objects, { node: 'node-1', locality: own }), { 1: 1, 2: 1, 3: 1, 4: 0, 5: 1 });
    for (const identity of [{}, { node: 'nobody' }, { node: 'node-5' }])
      assert.deepEqual(priorities(objects, identity), ALIKE);
  });

  test('ranks have no gaps: the nearest that are there take everything', () => {
    const far = APP + slice() + rule('outlierDetection: {}');
    const own = { region: 'r', zone: 'x', subzone: '' };
    assert.deepEqual(priorities(far, { locality: own }), { 1: 0, 2: 0, 3: 0, 4: 1, 5: 1 });
  });

  test('of an endpoint is what its Pod or WorkloadEntry says, else that of its Node, else the zone of its slice', () => {
    const pods =
      pod('app-1', '10.1.0.1', '{app: app, istio-locality: s.c}') +
      pod('app-4', '10.1.0.4', '{app: app, istio-locality: r.a.1}');
    assert.deepEqual(priorities(APP + pods + slice() + rule('outlierDetection: {}')), { 1: 3, 2: 1, 3: 2, 4: 0, 5: 3 });
    const unknown = slice((index) => (index === 4 ? ', zone: a' : ''));
    assert.equal(priorities(APP + unknown + rule('outlierDetection: {}'))['5'], 1);
    const machines = ['r/a/1', 's'].map(
      (place, index) => `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: vm-${index}}
spec: {address: 10.1.0.${index + 1}, labels: {app: app}, locality: ${place}}
---`,
    );
    assert.deepEqual(priorities(APP + machines.join('') + rule('outlierDetection: {}')), { 1: 0, 2: 1 });
  });

  test('an Endpoints object and a Pod tell their Node too', () => {
    const addresses = [1, 4].map((index) => `{ip: 10.1.0.${index}, nodeName: node-${index}}`);
    const endpoints = `
apiVersion: v1
kind: Endpoints
metadata: {name: app}
subsets: [{addresses: [${addresses.join(', ')}], ports: [{port: 80}]}]
---`;
    assert.deepEqual(priorities(APP + endpoints + rule('outlierDetection: {}')), { 1: 0, 4: 1 });
    const pods = [1, 4].map((index) =>
      pod(`app-${index}`, `10.1.0.${index}`, '{app: app}').replace('spec: {', `spec: {nodeName: node-${index}, `),
    );
    assert.deepEqual(priorities(APP + pods.join('') + rule('outlierDetection: {}')), { 1: 0, 4: 1 });
  });

  test('failover names the region that stands in; failoverPriority ranks by labels, own or given', () => {
    assert.deepEqual(priorities(APP + slice() + locality('{failover: [{from: r, to: s}]}')), {
      ...NEAR_FIRST,
      4: 3,
      5: 4,
    });
    const byZone = '{failoverPriority: [topology.kubernetes.io/region, topology.kubernetes.io/zone]}';
    assert.deepEqual(priorities(APP + slice() + locality(byZone)), { 1: 0, 2: 0, 3: 1, 4: 2, 5: 2 });
    const given = '{failoverPriority: ["kubernetes.io/hostname=node-3", topology.kubernetes.io/zone]}';
    assert.deepEqual(priorities(APP + slice() + locality(given)), { 1: 1, 2: 1, 3: 0, 4: 1, 5: 1 });
  });

  test('distribute shares out what the locality of the gateway is to get, and nothing to others', () => {
    const setting = '{distribute: [{from: s/*, to: {"*": 100}}, {from: r/a/*, to: {"r/a/*": 80, "s": 20}}]}';
    const found = cluster(APP + slice() + locality(setting));
    assert.deepEqual(found.shares, { 'r/a/1': 40, 'r/a/2': 40, 's/c': 20 });
    assert.deepEqual(
      found.endpoints.map((endpoint) => endpoint.locality),
      ['r/a/1', 'r/a/2', 'r/b', 's/c', ''],
    );
    const elsewhere = cluster(APP + slice() + locality('{distribute: [{from: q, to: {"*": 100}}]}'));
    assert.equal(elsewhere.shares, undefined);
  });

  test('a subset may have its own setting, and only its endpoints count', () => {
    const route = ROUTE.replace('host: app}', 'host: app, subset: v1}');
    const subset = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: app}
spec:
  host: app
  subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {outlierDetection: {}}}]
---`;
    const pods = [3, 4].map((index) => pod(`app-${index}`, `10.1.0.${index}`, '{app: app, version: v1}'));
    const { units } = buildFrom([route, NODES.join(''), APP, slice(), pods.join(''), subset], AT_NODE_1);
    assert.deepEqual(units.clusters['outbound|80|v1|app.default.svc.cluster.local']?.endpoints, [
      { address: '10.1.0.3', port: 80, weight: 1 },
      { address: '10.1.0.4', port: 80, weight: 1, priority: 1 },
    ]);
  });
});

describe('what a Service asks for', () => {
  const asking = (annotation: string) => APP.replace('{name: app}', `{name: app, annotations: {${annotation}}}`);
  const hinted = (zones: readonly string[], nodes: readonly string[] = []) =>
    slice((index) => {
      const forNodes = nodes[index] ? `, forNodes: [{name: ${nodes[index]}}]` : '';
      return zones[index] ? `, hints: {forZones: [{name: ${zones[index]}}]${forNodes}}` : '';
    });
  const AUTO = 'service.kubernetes.io/topology-mode: Auto';
  const ALL = hinted(['a', 'b', 'a', 'b', 'c']);

  test('hints count if the Service asks for them, by either annotation', () => {
    assert.deepEqual(priorities(APP + ALL), ALIKE);
    for (const annotation of [AUTO, 'service.kubernetes.io/topology-aware-hints: auto'])
      assert.deepEqual(priorities(asking(annotation) + ALL), { 1: 0, 2: 1, 3: 0, 4: 1, 5: 1 });
  });

  test('hints count only if every endpoint has one, one is for our zone, and ours is known', () => {
    assert.deepEqual(priorities(asking(AUTO) + hinted(['a', 'b', 'a', 'b'])), ALIKE);
    assert.deepEqual(priorities(asking(AUTO) + hinted(['b', 'b', 'b', 'b', 'c'])), ALIKE);
    assert.deepEqual(priorities(asking(AUTO) + ALL, {}), ALIKE);
  });

  test('trafficDistribution goes by hints, and without them by place, as Istio does', () => {
    const prefer = (word: string) => APP.replace('spec: {', `spec: {trafficDistribution: ${word}, `);
    for (const word of ['PreferClose', 'PreferSameZone']) {
      assert.deepEqual(priorities(prefer(word) + ALL), { 1: 0, 2: 1, 3: 0, 4: 1, 5: 1 });
      assert.deepEqual(priorities(prefer(word) + slice()), ZONE_FIRST);
      assert.deepEqual(priorities(prefer(word) + slice(), {}), ALIKE);
    }
    const annotated = asking('networking.istio.io/traffic-distribution: preferclose');
    assert.deepEqual(priorities(annotated + slice()), ZONE_FIRST);
    const nodes = ['node-2', 'node-1', 'node-2', 'node-2', 'node-2'];
    const forNodes = hinted(['a', 'a', 'a', 'a', 'a'], nodes);
    assert.deepEqual(priorities(prefer('PreferSameNode') + forNodes), { 1: 1, 2: 0, 3: 1, 4: 1, 5: 1 });
    assert.deepEqual(priorities(prefer('PreferSameNode') + slice(), { node: 'node-2' }), {
      1: 1,
      2: 0,
      3: 2,
      4: 3,
      5: 3,
    });
  });

  test('a DestinationRule that speaks of localities has the last word', () => {
    assert.deepEqual(priorities(asking(AUTO) + ALL + locality('{enabled: false}')), ALIKE);
    assert.deepEqual(priorities(asking(AUTO) + ALL + locality('{enabled: true}')), NEAR_FIRST);
  });
});

test('a Node is looked at only for clusters in which nearness counts', () => {
  const plain = cluster(APP + slice(), {});
  assert.ok(plain.endpoints.every((endpoint) => !('priority' in endpoint) && !('locality' in endpoint)));
});
