import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildFrom, codesOf, endpointsOf, gateway, httpServer, pod, service, virtualService } from './from-yaml.ts';

const GATEWAY = gateway([httpServer(['*'])]);

/** A VirtualService whose only rule has these destinations. */
function to(...route: readonly string[]): string {
  return GATEWAY + virtualService({ hosts: ['*'], http: `[{route: [${route.join(', ')}]}]` });
}

function rule(name: string, host: string, subsets: string, more = ''): string {
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}${more}}
spec: {host: ${host}, subsets: ${subsets}}
---`;
}

const APP =
  service('app', '{app: app}') +
  pod('app-1', '10.0.0.1', '{app: app, version: v1}') +
  pod('app-2', '10.0.0.2', '{app: app, version: v2}');
const KEY = 'outbound|80||app.default.svc.cluster.local';
const V1 = 'outbound|80|v1|app.default.svc.cluster.local';

describe('hosts', () => {
  const cases: [string, string, string][] = [
    ['a short name', 'app', ''],
    ['name.namespace', 'app.default', ''],
    ['name.namespace.svc', 'app.default.svc', ''],
    ['the full name', 'app.default.svc.cluster.local', ''],
  ];
  for (const [title, host] of cases) {
    test(`${title} means the Service`, () => {
      const result = buildFrom(to(`{destination: {host: ${host}}}`) + APP);
      assert.deepEqual(endpointsOf(result, KEY), ['10.0.0.1:80', '10.0.0.2:80']);
      assert.deepEqual(result.problems, []);
    });
  }

  test('a short name is resolved in the namespace of the rule, not of the service', () => {
    const elsewhere = virtualService({
      hosts: ['*'],
      gateways: ['default/gw'],
      metadata: ', namespace: team',
      http: '[{route: [{destination: {host: app}}]}]',
    });
    const result = buildFrom(GATEWAY + elsewhere + APP);
    assert.deepEqual(codesOf(result), ['error IST0101 spec.http[0].route[0].destination.host']);
    assert.deepEqual(endpointsOf(result, 'outbound|80||app.team.svc.cluster.local'), []);
  });

  test('a Service that is not there gives an empty cluster and a Problem', () => {
    const result = buildFrom(to('{destination: {host: nobody}}'));
    assert.deepEqual(codesOf(result), ['error IST0101 spec.http[0].route[0].destination.host']);
    assert.deepEqual(endpointsOf(result, 'outbound|80||nobody.default.svc.cluster.local'), []);
  });
});

describe('ports', () => {
  const two =
    service('app', '{app: app}', '[{port: 81, name: a, targetPort: 9001}, {port: 80, name: b, targetPort: 9000}]') +
    pod('app-1', '10.0.0.1', '{app: app}');

  test("an omitted port is the service's only port", () => {
    const one = service('app', '{app: app}', '[{port: 8000}]') + pod('app-1', '10.0.0.1', '{app: app}');
    assert.deepEqual(endpointsOf(buildFrom(to('{destination: {host: app}}') + one), KEY.replace('80', '8000')), [
      '10.0.0.1:8000',
    ]);
  });

  test('with several ports an omitted one is the port of the listener, with a warning', () => {
    const result = buildFrom(to('{destination: {host: app}}') + two);
    assert.deepEqual(endpointsOf(result, KEY), ['10.0.0.1:9000']);
    assert.deepEqual(codesOf(result), ['warning IST0112 spec.http[0].route[0].destination']);
  });

  test('if the service has no such port, that is an error and the cluster is empty', () => {
    const result = buildFrom(to('{destination: {host: app}}') + two.replace('port: 80,', 'port: 82,'));
    assert.deepEqual(endpointsOf(result, KEY), []);
    assert.deepEqual(codesOf(result), ['error IST0112 spec.http[0].route[0].destination']);
  });

  test('a port that the service does not have is an error and the cluster is empty', () => {
    const result = buildFrom(to('{destination: {host: app, port: {number: 99}}}') + APP);
    assert.deepEqual(endpointsOf(result, KEY.replace('80', '99')), []);
    assert.deepEqual(codesOf(result), ['error MG0302 spec.http[0].route[0].destination.port.number']);
  });

  test('a named targetPort is looked up in each Pod', () => {
    const named = (name: string, port: number) =>
      `{name: c, image: i, ports: [{name: ${name}, containerPort: ${port}}]}`;
    const yaml =
      service('app', '{app: app}', '[{port: 80, targetPort: web}]') +
      pod('a', '10.0.0.1', '{app: app}', named('web', 8001)) +
      pod('b', '10.0.0.2', '{app: app}', named('web', 8002)) +
      pod('c', '10.0.0.3', '{app: app}', named('other', 8003));
    assert.deepEqual(endpointsOf(buildFrom(to('{destination: {host: app}}') + yaml), KEY), [
      '10.0.0.1:8001',
      '10.0.0.2:8002',
    ]);
  });
});

describe('subsets', () => {
  test('select by labels', () => {
    const yaml =
      to('{destination: {host: app, subset: v1}}') + APP + rule('app', 'app', '[{name: v1, labels: {version: v1}}]');
    assert.deepEqual(endpointsOf(buildFrom(yaml), V1), ['10.0.0.1:80']);
  });

  test('one that no rule defines has no endpoints, and a Problem', () => {
    const result = buildFrom(to('{destination: {host: app, subset: v1}}') + APP);
    assert.deepEqual(endpointsOf(result, V1), []);
    assert.deepEqual(codesOf(result), ['error MG0303 spec.http[0].route[0].destination.subset']);
  });

  test('several rules for one host are joined; the first of a subset counts', () => {
    const result = buildFrom(
      to('{destination: {host: app, subset: v1}, weight: 1}', '{destination: {host: app, subset: v2}, weight: 1}') +
        APP +
        rule('a', 'app', '[{name: v1, labels: {version: v1}}]') +
        rule('b', 'app', '[{name: v1, labels: {version: v2}}, {name: v2, labels: {version: v2}}]'),
    );
    assert.deepEqual(endpointsOf(result, V1), ['10.0.0.1:80']);
    assert.deepEqual(endpointsOf(result, V1.replace('v1', 'v2')), ['10.0.0.2:80']);
    assert.deepEqual(codesOf(result), ['error MG1104 spec.subsets[0].name']);
  });

  test("a rule in the service's namespace hides one in the root namespace", () => {
    const result = buildFrom(
      to('{destination: {host: app, subset: v1}}') +
        APP +
        rule('own', 'app', '[{name: v1, labels: {version: v1}}]') +
        rule(
          'root',
          'app.default.svc.cluster.local',
          '[{name: v1, labels: {version: v2}}]',
          ', namespace: istio-system',
        ),
    );
    assert.deepEqual(endpointsOf(result, V1), ['10.0.0.1:80']);
  });

  test("a rule in the gateway's own namespace comes before the service's, unless that is the root namespace", () => {
    const yaml =
      to('{destination: {host: app, subset: v1}}') +
      APP +
      rule('own', 'app', '[{name: v1, labels: {version: v1}}]') +
      rule('edge', 'app.default.svc.cluster.local', '[{name: v1, labels: {version: v2}}]', ', namespace: edge');
    assert.deepEqual(endpointsOf(buildFrom(yaml, { namespace: 'edge' }), V1), ['10.0.0.2:80']);
    assert.deepEqual(endpointsOf(buildFrom(yaml), V1), ['10.0.0.1:80']);
  });

  test('the most specific host of a rule counts alone', () => {
    const yaml =
      to('{destination: {host: app, subset: v1}}') +
      APP +
      rule('wild', '"*.default.svc.cluster.local"', '[{name: v1, labels: {version: v2}}]');
    assert.deepEqual(endpointsOf(buildFrom(yaml), V1), ['10.0.0.2:80']);
    assert.deepEqual(endpointsOf(buildFrom(yaml + rule('own', 'app', '[]')), V1), []);
  });

  test('policy: the subset wins over the rule, LEAST_REQUEST is the default', () => {
    const policy = (extra: string) =>
      buildFrom(
        to('{destination: {host: app, subset: v1}}') +
          APP +
          `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: app}
spec:
  host: app
  ${extra}
---`,
      ).units.clusters[V1];
    const subsets = (more: string) => `subsets: [{name: v1, labels: {version: v1}${more}}]`;
    const top = '\n  trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {tcp: {connectTimeout: 2s}}}';
    assert.equal(policy(subsets(''))?.balancer, 'LEAST_REQUEST');
    assert.equal(policy(subsets(''))?.connectTimeoutMs, 10_000);
    assert.equal(policy(subsets('') + top)?.balancer, 'ROUND_ROBIN');
    const own = policy(subsets(', trafficPolicy: {loadBalancer: {simple: RANDOM}}') + top);
    assert.equal(own?.balancer, 'RANDOM');
    assert.equal(own?.connectTimeoutMs, 2000);
  });
});

describe('weights', () => {
  const weights = (...route: readonly string[]) => {
    const { units } = buildFrom(to(...route) + APP + rule('app', 'app', '[{name: v1}, {name: v2}]'));
    const action = units.virtualHosts['http.31380|*']?.routes[0]?.action;
    return action?.kind === 'forward'
      ? action.destinations.map(({ cluster, weight }) => [cluster.split('|')[2], weight])
      : [];
  };
  const share = (subset: string, weight: number) => `{destination: {host: app, subset: ${subset}}, weight: ${weight}}`;

  test('are relative to their sum', () =>
    assert.deepEqual(weights(share('v1', 3), share('v2', 1)), [
      ['v1', 3],
      ['v2', 1],
    ]));
  test('0 is dropped beside others', () => assert.deepEqual(weights(share('v1', 100), share('v2', 0)), [['v1', 1]]));
  test('a lone destination takes everything', () => assert.deepEqual(weights(share('v1', 0)), [['v1', 1]]));
});

describe('endpoints', () => {
  const TO_APP = to('{destination: {host: app}}');
  const slices = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-x, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
ports: [{port: 8080}]
endpoints:
- {addresses: [10.0.0.2], conditions: {ready: true}, targetRef: {kind: Pod, name: app-2, namespace: default}}
- {addresses: [10.0.0.9], conditions: {ready: false}}
- {addresses: [10.0.0.1], conditions: {ready: true}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-y, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
ports: [{port: 8080}]
endpoints:
- {addresses: [10.0.0.1], conditions: {ready: true}}
---`;
  const endpoints = `
apiVersion: v1
kind: Endpoints
metadata: {name: app}
subsets: [{addresses: [{ip: 10.0.0.7}], notReadyAddresses: [{ip: 10.0.0.8}], ports: [{port: 7070}]}]
---`;

  test('EndpointSlices come before Endpoints and Pods; only ready ones, each once, sorted', () => {
    assert.deepEqual(endpointsOf(buildFrom(TO_APP + APP + endpoints + slices), KEY), [
      '10.0.0.1:8080',
      '10.0.0.2:8080',
    ]);
  });

  test('Endpoints come before Pods', () => {
    assert.deepEqual(endpointsOf(buildFrom(TO_APP + APP + endpoints), KEY), ['10.0.0.7:7070']);
  });

  test("a slice's endpoint has the labels of the Pod it refers to, else of the Pod with its address", () => {
    const yaml = to(
      '{destination: {host: app, subset: v1}, weight: 1}',
      '{destination: {host: app, subset: v2}, weight: 1}',
    );
    const subsets = rule('app', 'app', '[{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]');
    const result = buildFrom(yaml + APP + slices + subsets);
    assert.deepEqual(endpointsOf(result, V1), ['10.0.0.1:8080']);
    assert.deepEqual(endpointsOf(result, V1.replace('v1', 'v2')), ['10.0.0.2:8080']);
  });

  test('a Pod that is not ready takes no traffic, unless the Service publishes it', () => {
    const notReady = pod('app-1', '10.0.0.1', '{app: app}', '{name: c, image: i}', 'False');
    assert.deepEqual(endpointsOf(buildFrom(TO_APP + service('app', '{app: app}') + notReady), KEY), []);
    const published = service('app', '{app: app}').replace('spec: {', 'spec: {publishNotReadyAddresses: true, ');
    assert.deepEqual(endpointsOf(buildFrom(TO_APP + published + notReady), KEY), ['10.0.0.1:80']);
  });

  test("a Service's selector picks WorkloadEntries too, with their own ports and weights", () => {
    const machine = (name: string, spec: string, labels = '{}') => `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: ${name}, labels: ${labels}}
spec: ${spec}
---`;
    const yaml =
      service('app', '{app: app}', '[{port: 80, name: http, targetPort: 8080}]') +
      pod('app-1', '10.0.0.1', '{app: app}') +
      machine('vm1', '{address: 192.168.0.1, labels: {app: app}, ports: {http: 9999}, weight: 3}') +
      machine('vm2', '{address: 192.168.0.2, weight: 2}', '{app: app}') +
      machine('vm3', '{address: 192.168.0.3, labels: {app: other}}');
    const result = buildFrom(TO_APP + yaml);
    assert.deepEqual(
      result.units.clusters[KEY]?.endpoints.map(({ address, port, weight }) => [address, port, weight]),
      [
        ['10.0.0.1', 8080, 1],
        ['192.168.0.1', 9999, 3],
        ['192.168.0.2', 8080, 2],
      ],
    );
  });

  test('an ExternalName Service is looked up by name', () => {
    const external = `
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {type: ExternalName, externalName: api.example.com}
---`;
    const result = buildFrom(to('{destination: {host: app, port: {number: 8443}}}') + external);
    assert.deepEqual(endpointsOf(result, KEY.replace('80', '8443')), ['api.example.com:8443']);
    assert.equal(result.units.clusters[KEY.replace('80', '8443')]?.resolution, 'DNS');
    assert.deepEqual(result.problems, []);
  });
});

describe('ServiceEntries', () => {
  const entry = (spec: string, metadata = '') => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: entry${metadata}}
spec: ${spec}
---`;
  const ports = 'ports: [{number: 80, name: http, protocol: HTTP}]';
  const key = 'outbound|80||api.example.com';
  const route = to('{destination: {host: api.example.com}}');

  test('STATIC endpoints, with their own ports', () => {
    const spec = `{hosts: [api.example.com], resolution: STATIC, ${ports}, endpoints: [{address: 10.1.0.2, ports: {http: 8080}}, {address: 10.1.0.1}]}`;
    const result = buildFrom(route + entry(spec));
    assert.deepEqual(endpointsOf(result, key), ['10.1.0.1:80', '10.1.0.2:8080']);
    assert.equal(result.units.clusters[key]?.serviceName, 'api.example.com');
    assert.deepEqual(result.problems, []);
  });

  test('DNS without endpoints asks for the host itself', () => {
    const result = buildFrom(route + entry(`{hosts: [api.example.com], resolution: DNS, ${ports}}`));
    assert.deepEqual(endpointsOf(result, key), ['api.example.com:80']);
    assert.equal(result.units.clusters[key]?.resolution, 'DNS');
  });

  test('targetPort is the port of the endpoints', () => {
    const target =
      '{hosts: [api.example.com], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}], endpoints: [{address: 10.1.0.1}]}';
    assert.deepEqual(endpointsOf(buildFrom(route + entry(target)), key), ['10.1.0.1:8080']);
  });

  test('a workloadSelector picks Pods and WorkloadEntries', () => {
    const spec = `{hosts: [api.example.com], resolution: STATIC, ${ports}, workloadSelector: {labels: {app: app}}}`;
    assert.deepEqual(endpointsOf(buildFrom(route + entry(spec) + APP), key), ['10.0.0.1:80', '10.0.0.2:80']);
  });

  test('a wildcard host answers for the names below it; an exact one comes first', () => {
    const wildcard = entry(
      `{hosts: ["*.example.com"], resolution: STATIC, ${ports}, endpoints: [{address: 10.1.0.1}]}`,
    );
    const exact = entry(
      `{hosts: [api.example.com], resolution: STATIC, ${ports}, endpoints: [{address: 10.1.0.2}]}`,
    ).replace('name: entry', 'name: exact');
    assert.deepEqual(endpointsOf(buildFrom(route + wildcard), key), ['10.1.0.1:80']);
    assert.deepEqual(endpointsOf(buildFrom(route + wildcard + exact), key), ['10.1.0.2:80']);
  });

  test('subsets look at the labels of inline endpoints', () => {
    const spec = `{hosts: [api.example.com], resolution: STATIC, ${ports}, endpoints: [{address: 10.1.0.1, labels: {v: a}}, {address: 10.1.0.2, labels: {v: b}}]}`;
    const yaml =
      to('{destination: {host: api.example.com, subset: a}}') +
      entry(spec) +
      rule('r', 'api.example.com', '[{name: a, labels: {v: a}}]');
    assert.deepEqual(endpointsOf(buildFrom(yaml), 'outbound|80|a|api.example.com'), ['10.1.0.1:80']);
  });

  test('one that is not exported to the gateway does not answer', () => {
    const spec = `{hosts: [api.example.com], resolution: DNS, ${ports}, exportTo: ["."]}`;
    assert.deepEqual(codesOf(buildFrom(route + entry(spec))), ['error MG0305 spec.http[0].route[0].destination.host']);
  });
});

test('redirects, direct responses and timeouts reach the route as they are', () => {
  const http = `[
    {name: r, match: [{uri: {exact: /r}}], redirect: {uri: /new, authority: b.example, redirectCode: 302}},
    {name: d, match: [{uri: {exact: /d}}], directResponse: {status: 418, body: {string: teapot}}},
    {name: t, route: [{destination: {host: app}}], timeout: 1500ms}]`;
  const { units } = buildFrom(GATEWAY + virtualService({ hosts: ['*'], http }) + APP);
  assert.deepEqual(
    units.virtualHosts['http.31380|*']?.routes.map(({ action }) => action),
    [
      { kind: 'redirect', status: 302, authority: 'b.example', path: { kind: 'replace', value: '/new' } },
      { kind: 'direct-response', status: 418, body: 'teapot' },
      { kind: 'forward', destinations: [{ cluster: KEY, weight: 1 }], timeoutMs: 1500 },
    ],
  );
});
