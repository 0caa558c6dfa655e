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

function built(endpoints: EndpointMode, destination = 'host: myapp', service = NODE_PORT) {
  const { units, problems } = buildFrom(world(destination, service), { endpoints });
  const [cluster] = Object.values(units.clusters);
  const addresses = cluster?.endpoints.map(({ address, port }) => `${address}:${port}`);
  return { addresses, problems: problems.map(({ code, message }) => `${code} ${message}`) };
}

test('behind a Service stand its pods, its cluster IP, or its node port on every ready node', () => {
  assert.deepEqual(built('pods'), { addresses: ['10.1.0.1:8080'], problems: [] });
  assert.deepEqual(built('clusterIP'), { addresses: ['10.96.0.7:80'], problems: [] });
  assert.deepEqual(built('nodePort'), { addresses: ['10.0.0.1:30080', '10.0.0.2:30080'], problems: [] });
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
