import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeCa } from '../../kit/certificates.ts';
import { analyzeText, brief } from './reading.ts';

const istio = 'apiVersion: networking.istio.io/v1';
/** One line per object, so that positions are easy to see. */
const gateway = `---\n{${istio}, kind: Gateway, metadata: {name: gw}, spec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*.example", shop/shop.test]}]}}\n`;
const rule = `---\n{${istio}, kind: DestinationRule, metadata: {name: app}, spec: {host: app, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}}\n`;
const service =
  '---\n{apiVersion: v1, kind: Service, metadata: {name: app}, spec: {ports: [{port: 80}], selector: {app: app}}}\n';
const pod = (name: string, labels: string) =>
  `---\n{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: {${labels}}}, status: {podIP: 10.0.0.1}}\n`;

/** A VirtualService of 10 lines whose destination stands in line 10. */
function routing(destination: string, options: { readonly hosts?: string; readonly gateways?: string } = {}): string {
  const { hosts = '[a.example]', gateways = '[gw]' } = options;
  return `${istio}
kind: VirtualService
metadata:
  name: app
spec:
  hosts: ${hosts}
  gateways: ${gateways}
  http:
  - route:
    - destination: {${destination}}
`;
}

describe('a destination', () => {
  test('that is all there raises nothing', () => {
    assert.deepEqual(analyzeText(routing('host: app, subset: v1') + gateway + rule + service), []);
  });

  test('with an unknown subset is an error at the subset, where the rule is known', () => {
    const problems = analyzeText(routing('host: app, subset: v9') + gateway + rule + service);
    assert.deepEqual(brief(problems), ['10:40 error MG0303 spec.http[0].route[0].destination.subset']);
    assert.match(problems[0]?.message ?? '', /has no subset "v9".*v1, v2.*Did you mean "v1"\?/);
  });

  test('with a subset and no rule is a warning in a part, an error in the whole', () => {
    const text = routing('host: app, subset: v1') + gateway + service;
    assert.deepEqual(brief(analyzeText(text)), ['10:40 warning MG0303 spec.http[0].route[0].destination.subset']);
    assert.deepEqual(brief(analyzeText(text, { scope: 'whole' })), [
      '10:40 error MG0303 spec.http[0].route[0].destination.subset',
    ]);
  });

  test('finds subsets under any spelling of its host, under wildcards, and in visible namespaces only', () => {
    const at = (host: string, more = '') => rule.replace('host: app', `host: ${host}${more}`);
    for (const found of [
      at('app.default'),
      at('app.default.svc.cluster.local'),
      at('"*.default.svc.cluster.local"'),
      rule
        .replace('name: app}', 'name: app, namespace: istio-system}')
        .replace('host: app', 'host: app.default.svc.cluster.local'),
    ])
      assert.deepEqual(analyzeText(routing('host: app, subset: v1') + gateway + found + service), []);
    for (const hidden of [
      at('app', ', exportTo: ["."]'),
      rule
        .replace('name: app}', 'name: app, namespace: other}')
        .replace('host: app', 'host: app.default.svc.cluster.local'),
    ])
      assert.deepEqual(brief(analyzeText(routing('host: app, subset: v1') + gateway + hidden + service)), [
        '10:40 warning MG0303 spec.http[0].route[0].destination.subset',
      ]);
  });

  test('that nobody answers for is a warning with the nearest host', () => {
    const problems = analyzeText(routing('host: apq') + gateway + service);
    assert.deepEqual(brief(problems), ['10:27 warning IST0101 spec.http[0].route[0].destination.host']);
    assert.match(problems[0]?.message ?? '', /Did you mean "app\.default\.svc\.cluster\.local"/);
  });

  test('is found by its full host, in other namespaces, and under ServiceEntries', () => {
    const entry = (host: string) =>
      `---\n{${istio}, kind: ServiceEntry, metadata: {name: e}, spec: {hosts: [${host}], ports: [{number: 80, name: h}], resolution: DNS, endpoints: [{address: b.example}]}}\n`;
    assert.deepEqual(analyzeText(routing('host: app.default.svc.cluster.local') + gateway + service), []);
    assert.deepEqual(analyzeText(routing('host: api.other.org') + gateway + entry('api.other.org')), []);
    assert.deepEqual(analyzeText(routing('host: api.other.org') + gateway + entry('"*.org"')), []);
  });

  test('must name a port of a service with several, and one that exists', () => {
    const several = service.replace('[{port: 80}]', '[{port: 80, name: a}, {port: 81, name: b}]');
    assert.deepEqual(brief(analyzeText(routing('host: app') + gateway + several)), [
      '10:7 warning IST0112 spec.http[0].route[0].destination',
    ]);
    assert.deepEqual(analyzeText(routing('host: app, port: {number: 81}') + gateway + several), []);
    assert.deepEqual(brief(analyzeText(routing('host: app, port: {number: 82}') + gateway + several)), [
      '10:47 warning MG0302 spec.http[0].route[0].destination.port.number',
    ]);
  });
});

describe('a VirtualService', () => {
  test('without a Gateway is for the mesh: an info, and its destinations are nobody else’s business', () => {
    const text = routing('host: nobody, subset: v9').replace('  gateways: [gw]\n', '');
    assert.deepEqual(brief(analyzeText(text)), ['5:1 info MG0301 spec.gateways']);
  });

  test('that names a Gateway which is not there is a warning with the nearest name', () => {
    const problems = analyzeText(routing('host: app', { gateways: '[mesh, gv]' }) + gateway + service);
    assert.deepEqual(brief(problems), ['7:20 warning IST0101 spec.gateways[1]']);
    assert.match(problems[0]?.message ?? '', /Did you mean "default\/gw"/);
  });

  test('whose hosts no server admits is a warning for each such host', () => {
    const hosts = '[a.example, example, shop.test, "*.a.example", "*.other"]';
    assert.deepEqual(brief(analyzeText(routing('host: app', { hosts }) + gateway + service)), [
      '6:22 warning IST0132 spec.hosts[1]',
      '6:31 warning IST0132 spec.hosts[2]',
      '6:57 warning IST0132 spec.hosts[4]',
    ]);
  });

  test('that is not exported to the gateway is a warning', () => {
    const text = routing('host: app').replace('  gateways:', '  exportTo: ["."]\n  gateways:');
    assert.deepEqual(brief(analyzeText(text + gateway + service)), ['7:13 warning MG0305 spec.exportTo']);
  });

  test('warns of rules behind a catch-all and behind equal conditions', () => {
    const rules = (...matches: string[]) =>
      `${istio}\nkind: VirtualService\nmetadata: {name: app}\nspec:\n  hosts: [a.example]\n  gateways: [gw]\n  http:\n${matches.map((match) => `  - {${match}route: [{destination: {host: app}}]}\n`).join('')}${gateway}${service}`;
    const lines = (...matches: string[]) => brief(analyzeText(rules(...matches)));
    assert.deepEqual(lines('match: [{uri: {prefix: /a}}], ', ''), []);
    assert.deepEqual(lines('', 'match: [{uri: {prefix: /a}}], '), ['9:5 warning IST0130 spec.http[1]']);
    assert.deepEqual(lines('match: [{uri: {prefix: /}}], ', ''), ['9:5 warning IST0130 spec.http[1]']);
    assert.deepEqual(lines('match: [{uri: {prefix: /}, headers: {a: {}}}], ', ''), []);
    assert.deepEqual(lines('match: [{uri: {prefix: /}, port: 80}], ', ''), []);
    assert.deepEqual(lines('match: [{uri: {exact: /a}}], ', 'match: [{uri: {exact: /a}}], '), [
      '9:5 warning IST0130 spec.http[1]',
    ]);
  });
});

describe('a DestinationRule', () => {
  test('warns of subsets that select no workload, where the service has workloads', () => {
    const text = rule.slice(4) + service;
    assert.deepEqual(analyzeText(text), []);
    assert.deepEqual(analyzeText(text + pod('other', 'app: other, version: v9')), []);
    const problems = brief(analyzeText(text + pod('a', 'app: app, version: v1')));
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^1:\d+ warning IST0173 spec\.subsets\[1\]\.labels$/);
  });

  test('counts WorkloadEntries and the endpoints of a ServiceEntry as workloads', () => {
    const workload = `---\n{${istio}, kind: WorkloadEntry, metadata: {name: vm}, spec: {address: 10.0.0.2, labels: {app: app, version: v2}}}\n`;
    assert.deepEqual(analyzeText(rule.slice(4) + service + workload + pod('a', 'app: app, version: v1')), []);
    const entry = `---\n{${istio}, kind: ServiceEntry, metadata: {name: e}, spec: {hosts: [app.org], ports: [{number: 80, name: h}], resolution: STATIC, endpoints: [{address: 10.0.0.1, labels: {version: v1}}]}}\n`;
    assert.match(
      brief(analyzeText(rule.slice(4).replace('host: app', 'host: app.org') + entry))[0] ?? '',
      /IST0173 spec\.subsets\[1\]/,
    );
  });
});

describe('a Gateway', () => {
  const secure = (name: string, host: string, credential = 'cert') =>
    `---\n{${istio}, kind: Gateway, metadata: {name: ${name}}, spec: {servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: [${host}], tls: {mode: SIMPLE, credentialName: ${credential}}}]}}\n`;
  const fields = (text: string, options = {}) =>
    brief(analyzeText(text, options)).map((line) => line.replace(/^\S+ /, ''));

  test('for other gateways is an info', () => {
    const other = gateway.replace('{servers', '{selector: {istio: egressgateway}, servers');
    assert.deepEqual(fields(other, { gatewayLabels: { istio: 'ingressgateway' } }), ['info MG0304 spec.selector']);
    assert.deepEqual(fields(other), []);
  });

  test('whose Secret is missing, empty or expired says so', async () => {
    assert.deepEqual(fields(secure('a', 'a.example')), ['warning IST0101 spec.servers[0].tls.credentialName']);
    const empty = '---\n{apiVersion: v1, kind: Secret, metadata: {name: cert, namespace: istio-system}}\n';
    assert.deepEqual(fields(secure('a', 'a.example') + empty), ['error IST0161 spec.servers[0].tls.credentialName']);
    const { certificatePem, privateKeyPem, notAfter } = await (await makeCa()).issue({ names: ['a.example'] });
    const stringData = JSON.stringify({ 'tls.crt': certificatePem, 'tls.key': privateKeyPem });
    const full = `---\n{apiVersion: v1, kind: Secret, metadata: {name: cert}, stringData: ${stringData}}\n`;
    assert.deepEqual(fields(secure('a', 'a.example') + full, { now: notAfter }), []);
    assert.deepEqual(fields(secure('a', 'a.example') + full, { now: notAfter + 1 }), [
      'warning MG0306 spec.servers[0].tls.credentialName',
    ]);
  });

  test('that claims a TLS host, a host or a port of another one is a warning', () => {
    const secret = '---\n{apiVersion: v1, kind: Secret, metadata: {name: cert}}\n';
    const conflicts = (text: string) => fields(text + secret).filter((line) => line.includes('IST0145'));
    assert.deepEqual(conflicts(secure('a', 'a.example') + secure('b', 'a.example')), [
      'warning IST0145 spec.servers[0].hosts[0]',
    ]);
    assert.deepEqual(conflicts(secure('a', 'a.example') + secure('b', 'b.example')), []);
    assert.deepEqual(conflicts(gateway + gateway.replace('name: gw', 'name: g2').replace(', shop/shop.test', '')), [
      'warning IST0145 spec.servers[0].hosts[0]',
    ]);
    assert.deepEqual(conflicts(gateway + secure('b', 'b.example').replace('443', '80')), [
      'warning IST0145 spec.servers[0].port.protocol',
    ]);
    const twice = gateway + gateway.replace('name: gw', 'name: g2').replace(', shop/shop.test', '');
    const whole = (text: string) => fields(text, { scope: 'whole' }).filter((line) => line.includes('IST0145'));
    assert.deepEqual(
      whole(twice),
      ['warning IST0145 spec.servers[0].hosts[0]'],
      'joined in the running gateway as well',
    );
    assert.deepEqual(whole(secure('a', 'a.example') + secure('b', 'a.example') + secret), [], 'told by build');
  });
});

test('in the whole, what build reports with its own knowledge is left to it', () => {
  const text = routing('host: nobody') + gateway;
  assert.deepEqual(analyzeText(text, { scope: 'whole' }), []);
});

describe('a Service', () => {
  const nodePorts = [{ port: 31_380, purpose: 'a port for traffic' }];
  const exposed = (type: string, ports: string, more = '') =>
    `{apiVersion: v1, kind: Service, metadata: {name: istio-ingressgateway, namespace: istio-system}, spec: {type: ${type}, ports: ${ports}${more}}}\n`;
  const found = (text: string) =>
    analyzeText(text, { nodePorts, scope: 'whole' }).map(({ severity, code, field }) => `${severity} ${code} ${field}`);

  test('whose nodePort is one of our ports is an error: kube-proxy takes the packets first', () => {
    const clash = '[{port: 80, name: a, nodePort: 30080}, {port: 81, name: b, nodePort: 31380}]';
    assert.deepEqual(found(exposed('NodePort', clash)), ['error MG0307 spec.ports[1].nodePort']);
    assert.deepEqual(found(exposed('LoadBalancer', '[{port: 80}]', ', healthCheckNodePort: 31380')), [
      'error MG0307 spec.healthCheckNodePort',
    ]);
    const [problem] = analyzeText(exposed('NodePort', '[{port: 80, nodePort: 31380}]'), { nodePorts });
    assert.equal(problem?.severity, 'warning', 'a part of a configuration does not know the settings');
    assert.match(problem?.message ?? '', /kubectl -n istio-system delete service istio-ingressgateway/);
  });

  test('with another port, another transport or another type does not clash', () => {
    assert.deepEqual(found(exposed('NodePort', '[{port: 80, nodePort: 31381}]')), []);
    assert.deepEqual(found(exposed('NodePort', '[{port: 80, protocol: UDP, nodePort: 31380}]')), []);
    assert.deepEqual(found(exposed('ClusterIP', '[{port: 80, nodePort: 31380}]')), []);
    assert.deepEqual(found(exposed('NodePort', '[{port: 80, nodePort: 0}]')), []);
  });
});

describe('a backend that accepts mutual TLS only', () => {
  const peer = (spec: string, namespace = 'default', name = 'p') =>
    `---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: ${name}, namespace: ${namespace}}, spec: ${spec}}\n`;
  const STRICT = '{mtls: {mode: STRICT}}';
  const base = routing('host: app') + gateway + service.replace('{port: 80}', '{port: 80, targetPort: 8080}');
  const injected = (labels = 'app: app') =>
    `---\n{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {${labels}}}, spec: {containers: [{name: app}, {name: istio-proxy}]}, status: {podIP: 10.0.0.1}}\n`;
  const found = (text: string) => analyzeText(base + text).map(({ code, field }) => `${code} ${field}`);
  const REFUSED = ['MG0407 spec.http[0].route[0].destination.host'];

  test('is an error at the destination; the narrowest object decides', () => {
    const table: readonly [string, boolean][] = [
      [peer(STRICT), true],
      [peer(STRICT, 'istio-system'), true],
      [peer(STRICT, 'other'), false],
      [peer(STRICT, 'istio-system') + peer('{mtls: {mode: PERMISSIVE}}'), false],
      [peer(STRICT, 'istio-system') + peer('{mtls: {mode: UNSET}}'), true],
      [peer(STRICT) + peer('{selector: {matchLabels: {app: app}}, mtls: {mode: DISABLE}}', 'default', 'q'), false],
      [peer('{selector: {matchLabels: {app: app}}, mtls: {mode: STRICT}}'), true],
      [peer('{selector: {matchLabels: {app: other}}, mtls: {mode: STRICT}}'), false],
      [
        peer('{selector: {matchLabels: {app: app}}, mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: DISABLE}}}'),
        false,
      ],
      [peer('{selector: {matchLabels: {app: app}}, portLevelMtls: {8080: {mode: STRICT}}}'), true],
      [peer('{selector: {matchLabels: {app: app}}, portLevelMtls: {9090: {mode: STRICT}}}'), false],
    ];
    for (const [text, refused] of table) {
      assert.deepEqual(found(text), refused ? REFUSED : [], text);
      assert.deepEqual(found(text + injected()), refused ? REFUSED : [], text);
    }
  });

  test('is asked of the root namespace that the settings name, where objects with a selector count for nothing', () => {
    const codesWith = (text: string, rootNamespace: string) =>
      analyzeText(base + text, { rootNamespace }).map(({ code, field }) => `${code} ${field}`);
    const SELECTING = '{selector: {matchLabels: {app: app}}, mtls: {mode: STRICT}}';
    assert.deepEqual(codesWith(peer(STRICT, 'mesh'), 'mesh'), REFUSED);
    assert.deepEqual(codesWith(peer(STRICT, 'istio-system'), 'mesh'), []);
    assert.deepEqual(codesWith(peer(SELECTING, 'default'), 'mesh'), REFUSED);
    assert.deepEqual(codesWith(peer(SELECTING, 'default'), 'default'), []);
    assert.deepEqual(codesWith(peer(STRICT, 'default'), 'default'), REFUSED);
  });

  test('is none where its Pods have no sidecar that could insist on it', () => {
    const bare = injected().replace(', {name: istio-proxy}', '');
    assert.deepEqual(found(peer(STRICT) + bare), []);
    const ambient = bare.replace('labels:', 'annotations: {ambient.istio.io/redirection: enabled}, labels:');
    assert.deepEqual(found(peer(STRICT) + ambient), REFUSED);
  });
});

test('annotations that ask for near endpoints are told when they say nothing, or stand where nobody reads them', () => {
  const found = (kind: string, name: string, value: string) => {
    const spec =
      kind === 'ServiceEntry'
        ? 'spec: {hosts: [b.org], resolution: DNS, ports: [{number: 80, name: a}]}'
        : 'spec: {ports: [{port: 80}]}';
    const version = kind === 'Service' ? 'apiVersion: v1' : istio;
    const metadata = `metadata: {name: a, annotations: {${name}: ${value}}}`;
    return analyzeText(`{${version}, kind: ${kind}, ${metadata}, ${spec}}\n`)
      .map(({ code }) => code)
      .filter((code) => /^IST01(?:07|08|25)$/.test(code));
  };
  const distribution = 'networking.istio.io/traffic-distribution';
  const mode = 'service.kubernetes.io/topology-mode';
  assert.deepEqual(found('Service', distribution, 'PreferClose'), []);
  assert.deepEqual(found('ServiceEntry', distribution, 'prefersamenode'), []);
  assert.deepEqual(found('Service', distribution, 'Nearest'), ['IST0125']);
  for (const good of ['Auto', 'disabled', 'example.com/mine']) assert.deepEqual(found('Service', mode, good), []);
  assert.deepEqual(found('Service', mode, 'Always'), ['IST0125']);
  assert.deepEqual(found('ServiceEntry', mode, 'Auto'), ['IST0107']);
});

describe('findings about nothing are not made', () => {
  const none = (text: string, code: string) =>
    assert.deepEqual(
      analyzeText(text).filter((problem) => problem.code === code),
      [],
      code,
    );

  test('by blocks and rules that differ, wildcards, agreeing entries and foreign annotations', () => {
    const blocks = routing('host: app').replace(
      '  - route',
      '  - match: [{uri: {exact: /a}}, {uri: {exact: /b}}]\n    route',
    );
    none(blocks + gateway + service, 'IST0131');
    none(rule.slice(4).replace('host: app', 'host: "*.other.svc.cluster.local"'), 'IST0174');
    const entry = (name: string) =>
      `---\n{${istio}, kind: ServiceEntry, metadata: {name: ${name}}, spec: {hosts: [b.org], resolution: DNS, ports: [{number: 80, name: a, protocol: HTTP}]}}\n`;
    none((entry('a') + entry('b')).slice(4), 'IST0177');
    const annotated = (name: string) => service.slice(4).replace('name: app}', `name: app, annotations: {${name}: x}}`);
    for (const name of ['example.com/exportTo', 'networking.istio.io/traffic-distribution', 'sidecar.istio.io/inject'])
      none(annotated(name), 'IST0108');
  });

  test('by servers of one Gateway that share a certificate', () => {
    const server = (host: string) =>
      `{port: {number: 443, name: ${host}, protocol: HTTPS}, hosts: [${host}.example], tls: {mode: SIMPLE, credentialName: c}}`;
    none(
      `{${istio}, kind: Gateway, metadata: {name: g}, spec: {servers: [${server('a')}, ${server('b')}]}}\n`,
      'IST0138',
    );
  });
});
