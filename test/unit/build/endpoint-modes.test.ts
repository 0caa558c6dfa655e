import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointMode } from '#gateway/control/build/build-input.ts';
import { buildFrom, gateway, httpServer } from './from-yaml.ts';

const world = (
  destination: string,
  service: string,
  endpoints = '{addresses: [10.1.0.1]}',
): string => `${gateway([httpServer(['*'])])}
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: myapp}
spec:
  hosts: [a.example]
  gateways: [gw]
  http: [{route: [{destination: {${destination}}}]}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: myapp}
spec: {host: myapp, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: v1
kind: Service
metadata: {name: myapp}
spec: {${service}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: myapp-1, labels: {kubernetes.io/service-name: myapp}}
addressType: IPv4
endpoints: [${endpoints}]
ports: [{name: http, port: 8080}]
---
${['10.0.0.1', '10.0.0.2', '10.0.0.3'].map(node).join('---')}`;

function node(address: string): string {
  const ready = address === '10.0.0.3' ? 'False' : 'True';
  return `
apiVersion: v1
kind: Node
metadata: {name: node-${address}}
status:
  addresses: [{type: Hostname, address: node}, {type: InternalIP, address: ${address}}]
  conditions: [{type: Ready, status: "${ready}"}]
`;
}

const NODE_PORT =
  'type: NodePort, clusterIP: 10.96.0.7, ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]';

function built(endpoints: EndpointMode, destination = 'host: myapp', service = NODE_PORT, behind?: string) {
  const { units, problems } = buildFrom(world(destination, service, behind), { endpoints });
  const [cluster] = Object.values(units.clusters);
  const addresses = cluster?.endpoints.map(({ address, port }) => `${address}:${port}`);
  return { addresses, problems: problems.map(({ code, message }) => `${code} ${message}`) };
}

test('behind a Service stand its pods, its cluster IP, or its node port on every ready node', () => {
  assert.deepEqual(built('pods'), { addresses: ['10.1.0.1:8080'], problems: [] });
  assert.deepEqual(built('clusterIP'), { addresses: ['10.96.0.7:80'], problems: [] });
  assert.deepEqual(built('nodePort'), { addresses: ['10.0.0.1:30080', '10.0.0.2:30080'], problems: [] });
});

test('a node that is leaving takes nothing; ones that are not ready are better than none', () => {
  const nodes = (change: (text: string) => string): unknown => {
    const { units } = buildFrom(change(world('host: myapp', NODE_PORT)), { endpoints: 'nodePort' });
    return Object.values(units.clusters)[0]?.endpoints.map(({ address }) => address);
  };
  const label = 'node.kubernetes.io/exclude-from-external-load-balancers: ""';
  assert.deepEqual(
    nodes((text) => text.replace('{name: node-10.0.0.1}', `{name: node-10.0.0.1, labels: {${label}}}`)),
    ['10.0.0.2'],
  );
  assert.deepEqual(
    nodes((text) =>
      text.replace('{name: node-10.0.0.2}', '{name: node-10.0.0.2, deletionTimestamp: "2026-01-01T00:00:00Z"}'),
    ),
    ['10.0.0.1'],
  );
  const cordoned = (text: string) =>
    text.replaceAll('status:\n  addresses', 'spec: {unschedulable: true}\nstatus:\n  addresses');
  assert.deepEqual(nodes(cordoned), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(
    nodes((text) => text.replaceAll('status: "True"', 'status: "Unknown"')),
    ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
  );
});

test('with externalTrafficPolicy: Local only nodes with a pod of the Service are asked', () => {
  const local = `${NODE_PORT}, externalTrafficPolicy: Local`;
  const on = (node: string, conditions = 'ready: true') =>
    `{addresses: [10.1.0.${node}], nodeName: node-10.0.0.${node}, conditions: {${conditions}}}`;
  const addresses = (...behind: string[]) => built('nodePort', 'host: myapp', local, behind.join(', ')).addresses;
  const draining = 'ready: false, serving: true, terminating: true';
  assert.deepEqual(addresses(on('2')), ['10.0.0.2:30080']);
  assert.deepEqual(addresses(on('1'), on('2', 'ready: false')), ['10.0.0.1:30080']);
  assert.deepEqual(addresses(on('1'), on('2', draining)), ['10.0.0.1:30080']);
  assert.deepEqual(addresses(on('1', 'ready: false'), on('2', draining)), ['10.0.0.2:30080']);
  assert.deepEqual(addresses(on('1', 'ready: false')), []);
  // Its kubelet is not heard of, and the pods of the others are gone.
  assert.deepEqual(addresses(on('3')), ['10.0.0.3:30080']);
  assert.deepEqual(addresses(on('1'), on('3')), ['10.0.0.1:30080']);
});

test('a subset needs pod addresses: without them its share gets 503, and a Problem says why', () => {
  for (const mode of ['clusterIP', 'nodePort'] as const) {
    const { addresses, problems } = built(mode, 'host: myapp, subset: v1');
    assert.deepEqual(addresses, []);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', new RegExp(`MG1105 A subset needs the addresses of pods.*${mode}`));
  }
});

test('a Service that the mode cannot reach is told', () => {
  const headless = 'clusterIP: None, ports: [{name: http, port: 80}]';
  assert.match(built('clusterIP', 'host: myapp', headless).problems.join(), /MG1106 .*no cluster IP/);
  assert.match(built('nodePort', 'host: myapp', headless).problems.join(), /MG1106 .*no node port for its port 80/);
});

test('a cluster IP that leads only to pods of this node is told', () => {
  const local = `${NODE_PORT}, internalTrafficPolicy: Local`;
  const { addresses, problems } = built('clusterIP', 'host: myapp', local);
  assert.deepEqual(addresses, ['10.96.0.7:80']);
  assert.match(problems.join(), /^MG1107 .*pods of this node alone/);
  assert.deepEqual(built('pods', 'host: myapp', local).problems, []);
});

test('a draining endpoint takes requests only while nothing else of its subset is ready', () => {
  const draining = '{addresses: [10.1.0.1], conditions: {ready: false, serving: true, terminating: true}}';
  const addresses = (endpoints: string): unknown => {
    const { units } = buildFrom(world('host: myapp', NODE_PORT, endpoints));
    return Object.values(units.clusters)[0]?.endpoints.map(({ address }) => address);
  };
  assert.deepEqual(addresses(draining), ['10.1.0.1']);
  assert.deepEqual(addresses(`${draining}, {addresses: [10.1.0.2]}`), ['10.1.0.2']);
  assert.deepEqual(addresses(draining.replace('serving: true', 'serving: false')), []);
});

test('of a dual-stack Service each pod counts once, by an address of the family that the Service has first', () => {
  const six = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: myapp-2, labels: {kubernetes.io/service-name: myapp}}
addressType: IPv6
endpoints: [{addresses: ["fd00::1"]}]
ports: [{name: http, port: 8080}]
---`;
  const addresses = (clusterIP: string, endpoints?: string): unknown => {
    const service = `clusterIP: ${clusterIP}, ports: [{name: http, port: 80, targetPort: 8080}]`;
    const { units } = buildFrom(six + world('host: myapp', service, endpoints));
    return Object.values(units.clusters)[0]?.endpoints.map(({ address }) => address);
  };
  assert.deepEqual(addresses('10.96.0.7'), ['10.1.0.1']);
  assert.deepEqual(addresses('"fd00::7"'), ['fd00::1']);
  assert.deepEqual(addresses('None'), ['10.1.0.1']);
  assert.deepEqual(addresses('10.96.0.7', ''), ['fd00::1'], 'rather than nothing');
});
