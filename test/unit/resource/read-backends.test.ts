import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brief, readOne, specOf } from './reading.ts';

const istio = (kind: string, spec: string) =>
  `apiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: {name: x, namespace: shop}\nspec:\n${spec}`;
const core = (kind: string, body: string) =>
  `apiVersion: v1\nkind: ${kind}\nmetadata: {name: x, namespace: shop}\n${body}`;

describe('DestinationRule', () => {
  test('is typed, with policies of the rule and of its subsets', () => {
    const spec = specOf(
      'DestinationRule',
      istio(
        'DestinationRule',
        `  host: reviews
  trafficPolicy: {loadBalancer: {simple: LEAST_CONN}, connectionPool: {tcp: {connectTimeout: 250ms}}}
  subsets:
  - name: v1
    labels: {version: v1}
    trafficPolicy: {loadBalancer: {simple: UNSPECIFIED}}
  - name: all
`,
      ),
    );
    assert.deepEqual(spec, {
      host: 'reviews.shop.svc.cluster.local',
      policy: { balancer: 'LEAST_REQUEST', connectTimeoutMs: 250 },
      subsets: [
        { name: 'v1', labels: { version: 'v1' }, policy: {} },
        { name: 'all', labels: {}, policy: {} },
      ],
      exportTo: ['*'],
    });
  });

  test('faults: a missing host, a subset twice, a broken policy, labels that are no strings', () => {
    const { problems } = readOne(
      istio(
        'DestinationRule',
        `  subsets:
  - {name: v1, labels: {version: 1}}
  - {name: v1, labels: {version: "on"}}
  - {labels: {version: on}}
  trafficPolicy: {loadBalancer: {simple: LEAST_RANDOM}, conectionPool: {}}
`,
      ),
    );
    assert.deepEqual(brief(problems), [
      '6:34 error IST0106 spec.subsets[0].labels.version',
      '8:24 error IST0106 spec.subsets[2].labels.version',
      '8:5 error IST0106 spec.subsets[2].name',
      '9:42 error IST0106 spec.trafficPolicy.loadBalancer.simple',
      '9:57 error MG0201 spec.trafficPolicy.conectionPool',
      '4:1 error IST0106 spec.host',
    ]);
    const twice = readOne(istio('DestinationRule', '  host: a\n  subsets: [{name: v1}, {name: v1}]\n'));
    assert.deepEqual(brief(twice.problems), ['6:32 error IST0106 spec.subsets[1].name']);
  });
});

describe('ServiceEntry and WorkloadEntry', () => {
  test('are typed', () => {
    const entry = specOf(
      'ServiceEntry',
      istio(
        'ServiceEntry',
        `  hosts: [API.example.com, "*.api.example.com"]
  ports: [{number: 443, name: https, protocol: https, targetPort: 8443}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints:
  - {address: "2001:DB8::1", ports: {https: 9443}, labels: {version: v1}, weight: 3}
  - {address: 10.0.0.1}
  exportTo: ["."]
`,
      ),
    );
    assert.deepEqual(entry, {
      hosts: ['api.example.com', '*.api.example.com'],
      ports: [{ number: 443, name: 'https', protocol: 'HTTPS', targetPort: 8443 }],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      endpoints: [
        { address: '2001:db8::1', ports: { https: 9443 }, labels: { version: 'v1' }, weight: 3 },
        { address: '10.0.0.1', ports: {}, labels: {}, weight: 1 },
      ],
      exportTo: ['shop'],
    });
    const workload = specOf('WorkloadEntry', istio('WorkloadEntry', '  address: vm.example.com\n  labels: {app: a}\n'));
    assert.deepEqual(workload, { address: 'vm.example.com', labels: { app: 'a' }, ports: {}, weight: 1 });
  });

  test('faults: what contradicts itself, and what an edge cannot resolve', () => {
    const problemsOf = (spec: string) =>
      brief(readOne(istio('ServiceEntry', `  ports: [{number: 80, name: a}]\n${spec}`)).problems);
    assert.deepEqual(problemsOf('  hosts: [a.example]\n  resolution: STATIC\n'), ['4:1 error MG0209 spec']);
    assert.deepEqual(problemsOf('  hosts: [a.example]\n  resolution: STATIC\n  endpoints: [{address: b.example}]\n'), [
      '8:25 error IST0106 spec.endpoints[0].address',
    ]);
    assert.deepEqual(problemsOf('  hosts: ["*.example"]\n  resolution: DNS\n'), ['6:3 error IST0106 spec.hosts']);
    assert.deepEqual(problemsOf('  hosts: ["*"]\n  resolution: DNS\n'), ['6:11 error IST0106 spec.hosts[0]']);
    assert.deepEqual(
      problemsOf(
        '  hosts: [a.example]\n  resolution: STATIC\n  endpoints: [{address: 1.2.3.4}]\n  workloadSelector: {labels: {a: b}}\n',
      ),
      ['9:3 error IST0106 spec.workloadSelector'],
    );
    assert.deepEqual(problemsOf('  hosts: [a.example]\n  resolution: NONE\n'), ['7:15 warning MG0205 spec.resolution']);
    assert.deepEqual(brief(readOne(istio('WorkloadEntry', '  address: 1.2.3\n')).problems), [
      '5:12 error IST0106 spec.address',
    ]);
    assert.deepEqual(brief(readOne(istio('WorkloadEntry', '  weight: -1\n')).problems), [
      '5:11 error IST0106 spec.weight',
      '4:1 error IST0106 spec.address',
    ]);
  });
});

describe('Service', () => {
  test('is typed; what only the cluster needs is ignored', () => {
    const spec = specOf(
      'Service',
      core(
        'Service',
        `spec:
  type: NodePort
  clusterIP: 10.0.0.1
  sessionAffinity: None
  ports:
  - {port: 80, name: http, targetPort: web, nodePort: 30080, protocol: TCP}
  - {port: 53, name: dns, protocol: UDP}
  selector: {app: x}
status: {loadBalancer: {}}
`,
      ),
    );
    assert.deepEqual(spec, {
      type: 'NodePort',
      ports: [
        { port: 80, name: 'http', targetPort: 'web', protocol: 'TCP', nodePort: 30_080 },
        { port: 53, name: 'dns', targetPort: 53, protocol: 'UDP' },
      ],
      selector: { app: 'x' },
      clusterIP: '10.0.0.1',
      publishNotReadyAddresses: false,
    });
  });

  test('faults: nameless and repeated ports, a misspelt selector, an external name that is missing', () => {
    assert.deepEqual(
      brief(
        readOne(core('Service', 'spec:\n  selecter: {}\n  ports:\n  - port: 80\n  - {port: 80, name: a}\n')).problems,
      ),
      ['5:3 error MG0201 spec.selecter', '7:5 error IST0106 spec.ports[0]', '8:12 error IST0106 spec.ports[1].port'],
    );
    assert.deepEqual(brief(readOne(core('Service', 'spec: {type: ExternalName}\n')).problems), [
      '4:1 error IST0106 spec',
    ]);
  });
});

describe('Endpoints, EndpointSlice and Pod', () => {
  test('are typed: ready addresses with their Pods, TCP ports', () => {
    const endpoints = specOf(
      'Endpoints',
      core(
        'Endpoints',
        `subsets:
- addresses: [{ip: 10.0.0.1, nodeName: node-1, targetRef: {kind: Pod, name: p, namespace: shop, uid: u}}, {ip: "FD00::1"}]
  notReadyAddresses: [{ip: 10.0.0.9}]
  ports: [{name: http, port: 8080, protocol: TCP}, {port: 53, protocol: UDP}]
`,
      ),
    );
    assert.deepEqual(endpoints, {
      subsets: [
        {
          addresses: [{ ip: '10.0.0.1', pod: { namespace: 'shop', name: 'p' }, node: 'node-1' }, { ip: 'fd00::1' }],
          ports: [{ name: 'http', port: 8080 }],
        },
      ],
    });
    const slice = specOf(
      'EndpointSlice',
      `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: x-1, labels: {kubernetes.io/service-name: x}}
addressType: IPv4
endpoints:
- {addresses: [10.0.0.1], conditions: {ready: false}}
- {addresses: [10.0.0.2], nodeName: node-1, zone: a, hints: {forZones: [{name: a}, {name: b}], forNodes: [{name: node-1}]}}
ports: [{name: "", port: 80}]
`,
    );
    assert.deepEqual(slice, {
      service: 'x',
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['10.0.0.1'], ready: false },
        {
          addresses: ['10.0.0.2'],
          ready: true,
          node: 'node-1',
          zone: 'a',
          hints: { zones: ['a', 'b'], nodes: ['node-1'] },
        },
      ],
      ports: [{ port: 80 }],
    });
  });

  test('of a slice before v1, place is read from the topology', () => {
    const { endpoints } = specOf(
      'EndpointSlice',
      `apiVersion: discovery.k8s.io/v1beta1
kind: EndpointSlice
metadata: {name: x-1, labels: {kubernetes.io/service-name: x}}
addressType: IPv4
endpoints:
- addresses: [10.0.0.2]
  topology: {kubernetes.io/hostname: node-1, topology.kubernetes.io/zone: a}
`,
    );
    assert.deepEqual(endpoints, [{ addresses: ['10.0.0.2'], ready: true, node: 'node-1', zone: 'a' }]);
  });

  test('a Node says where it is by the labels of today, else by those of before Kubernetes 1.17', () => {
    const node = (labels: string, more = '') =>
      specOf('Node', `apiVersion: v1\nkind: Node\nmetadata: {name: node-1, labels: {${labels}}}\n${more}`);
    const old = 'failure-domain.beta.kubernetes.io/region: r, failure-domain.beta.kubernetes.io/zone: a';
    const none = { addresses: [], ready: true };
    assert.deepEqual(node('x: "1"'), none);
    assert.deepEqual(node(old), { ...none, locality: { region: 'r', zone: 'a', subzone: '' } });
    assert.deepEqual(node(`${old}, topology.kubernetes.io/zone: b, topology.istio.io/subzone: rack`).locality, {
      region: 'r',
      zone: 'b',
      subzone: 'rack',
    });
    assert.equal(node('node.kubernetes.io/exclude-from-external-load-balancers: ""').leaving, true);
    assert.equal(node('', 'spec: {taints: [{key: ToBeDeletedByClusterAutoscaler}]}\n').leaving, true);
    assert.equal(node('', 'spec: {unschedulable: true}\n').leaving, undefined);
  });

  test('a Service says whether its traffic stays on a node, and what it prefers', () => {
    const service = (spec: string) => specOf('Service', core('Service', `spec: {${spec}}\n`));
    const read = service(
      'type: NodePort, externalTrafficPolicy: Local, internalTrafficPolicy: Local, trafficDistribution: PreferClose',
    );
    assert.deepEqual([read.externalTrafficLocal, read.internalTrafficLocal, read.prefers], [true, true, 'same-zone']);
    assert.equal(service('externalTrafficPolicy: Local').externalTrafficLocal, undefined);
    const newer = readOne(core('Service', 'spec: {trafficDistribution: PreferSameRack}\n'));
    assert.deepEqual(brief(newer.problems), ['4:29 warning MG0205 spec.trafficDistribution']);
    assert.ok(newer.resource);
  });

  test('a slice without its Service and a broken address are reported', () => {
    const { problems } = readOne(
      'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\naddressType: IPv4\nendpoints:\n- addresses: [nope]\n',
    );
    assert.deepEqual(brief(problems), ['1:1 warning IST0133', '6:15 error IST0106 endpoints[0].addresses[0]']);
  });

  test('a Pod is ready by its condition; one written by hand, by its address', () => {
    const pod = (status: string, meta = '') =>
      specOf(
        'Pod',
        `apiVersion: v1\nkind: Pod\nmetadata: {name: p${meta}}\nspec:\n  containers: [{name: c, image: i, ports: [{name: web, containerPort: 8080}]}]\nstatus: {${status}}\n`,
      );
    assert.deepEqual(pod('podIP: 10.0.0.1'), {
      podIP: '10.0.0.1',
      ready: true,
      ports: [{ name: 'web', containerPort: 8080, protocol: 'TCP' }],
      sidecar: false,
    });
    const ready = (status: string, meta?: string) => pod(status, meta).ready;
    assert.equal(ready('podIP: 10.0.0.1, phase: Running, conditions: [{type: Ready, status: "True"}]'), true);
    assert.equal(ready('podIP: 10.0.0.1, phase: Running, conditions: [{type: Ready, status: "False"}]'), false);
    assert.equal(ready('podIP: 10.0.0.1, phase: Running, conditions: [{type: Initialized, status: "True"}]'), false);
    assert.equal(ready('podIP: 10.0.0.1, phase: Succeeded'), false);
    assert.equal(ready('podIP: 10.0.0.1', ', deletionTimestamp: "2026-01-01T00:00:00Z"'), false);
    assert.equal(ready(''), false);
  });
});
