import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { coversDomain, coversWholly } from '#gateway/control/resource/policies/host-cover.ts';
import { judge } from '#gateway/control/resource/policies/verdict.ts';
import type { PolicyResource, TargetedResource } from '#gateway/control/resource/resource.ts';
import { requires, sharedDir } from '../../kit/require.ts';
import { analyzeText, brief, readOne } from './reading.ts';

const labels = { app: 'istio-ingressgateway', istio: 'ingressgateway' };
const own = { namespace: 'edge', rootNamespace: 'istio-system', labels };

type Parts = { kind?: string; namespace?: string; spec?: string; annotations?: string };

const versions: Readonly<Record<string, string>> = {
  AuthorizationPolicy: 'security.istio.io/v1',
  RequestAuthentication: 'security.istio.io/v1beta1',
  EnvoyFilter: 'networking.istio.io/v1alpha3',
  WasmPlugin: 'extensions.istio.io/v1alpha1',
  TrafficExtension: 'extensions.istio.io/v1alpha1',
  Telemetry: 'telemetry.istio.io/v1',
};

function yaml({ kind = 'AuthorizationPolicy', namespace = 'edge', spec = '{}', annotations = '{}' }: Parts): string {
  return `apiVersion: ${versions[kind]}\nkind: ${kind}\nmetadata: {name: p, namespace: ${namespace}, annotations: ${annotations}}\nspec: ${spec}\n`;
}

/** What the object means for a gateway of namespace `edge`: `guards`, `guards a.example`, `unconcerned`... */
function verdict(parts: Parts, ...others: readonly Parts[]): string {
  const [resource, ...peers] = [parts, ...others].map((one) => readOne(yaml(one)).resource);
  assert.ok(resource);
  const found = judge(resource as TargetedResource, own, () => [resource, ...peers] as PolicyResource[]);
  const hosts = 'hosts' in found ? ` ${found.hosts?.join(' ')}` : '';
  return 'except' in found ? `${found.kind}${hosts} but ${found.except?.join(' ')}` : `${found.kind}${hosts}`;
}

describe('an AuthorizationPolicy', () => {
  const rules = 'rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]';

  test('is for the gateway when namespace and selector say so', () => {
    const table: readonly [Parts, string][] = [
      [{ spec: `{${rules}}` }, 'guards'],
      [{ namespace: 'istio-system', spec: `{${rules}}` }, 'guards'],
      [{ namespace: 'default', spec: `{${rules}}` }, 'unconcerned'],
      [{ spec: `{selector: {matchLabels: {istio: ingressgateway}}, ${rules}}` }, 'guards'],
      [{ spec: `{selector: {matchLabels: {app: istio-ingressgateway}}, ${rules}}` }, 'guards'],
      [{ spec: `{selector: {matchLabels: {app: istio-ingressgateway, istio: egress}}, ${rules}}` }, 'unconcerned'],
      [{ spec: `{selector: {}, ${rules}}` }, 'guards'],
      [{ namespace: 'istio-system', spec: `{selector: {matchLabels: {app: myapp}}, ${rules}}` }, 'unconcerned'],
      [{ spec: `{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}], ${rules}}` }, 'unconcerned'],
      [{ spec: `{targetRefs: [{group: '', kind: Service, name: g}], ${rules}}` }, 'unconcerned'],
      [{ spec: `{targetRefs: [{group: networking.istio.io, kind: Gateway, name: g}], ${rules}}` }, 'guards'],
      [{ spec: `{targetRefs: [{kind: Service, name: a}, {kind: Gateway}], ${rules}}` }, 'guards'],
      [
        { spec: `{targetRefs: [{kind: Service, name: a}, {groop: networking.istio.io, kind: Gateway, name: g}]}` },
        'guards',
      ],
      [
        {
          spec: `{targetRefs: [{kind: Service, name: a}], selector: {matchLabels: {istio: ingressgateway}}, ${rules}}`,
        },
        'guards',
      ],
    ];
    for (const [parts, expected] of table) assert.equal(verdict(parts), expected, JSON.stringify(parts));
  });

  test('guards as its action and rules say', () => {
    const table: readonly [string, string][] = [
      ['{}', 'closes'],
      ['', 'closes'],
      ['{action: ALLOW, rules: [{}]}', 'unconcerned'],
      ['{action: ALLOW, rules: [{to: [{operation: {hosts: [A.example]}}]}]}', 'guards but a.example'],
      ['{action: ALLOW, rules: [{to: [{operation: {hosts: [a.example], ports: ["80"]}}]}]}', 'guards'],
      ['{action: ALLOW, rules: [{to: [{operation: {hosts: [a.example], notHosts: [b.example]}}]}]}', 'guards'],
      ['{action: ALLOW, rules: [{to: [{operation: {}}]}]}', 'guards'],
      ['{action: ALLOW, rules: [{from: [{source: {}}]}]}', 'guards'],
      ['{action: ALLOW, rules: [{to: [{operation: {paths: ["*"], methods: ["*"]}}]}]}', 'unconcerned'],
      ['{action: ALLOW, rules: [{to: [{operation: {paths: ["/x"]}}]}, {}]}', 'unconcerned'],
      ['{action: DENY}', 'unconcerned'],
      ['{action: DENY, rules: [{}]}', 'closes'],
      [
        '{action: DENY, rules: [{to: [{operation: {hosts: [A.example, "*.b.example"]}}]}]}',
        'guards *.b.example a.example',
      ],
      ['{action: DENY, rules: [{to: [{operation: {hosts: [a.example]}}, {operation: {paths: [/x]}}]}]}', 'guards'],
      ['{action: DENY, rules: [{to: [{operation: {hosts: [a.example]}}]}, {when: [{key: x, values: [y]}]}]}', 'guards'],
      ['{action: DENY, rules: [{to: [{operation: {notHosts: [a.example]}}]}]}', 'guards'],
      [
        '{action: CUSTOM, provider: {name: oauth}, rules: [{to: [{operation: {hosts: [a.example]}}]}]}',
        'guards a.example',
      ],
      ['{action: AUDIT, rules: [{}]}', 'missing'],
    ];
    for (const [spec, expected] of table) assert.equal(verdict({ spec }), expected, spec);
    assert.equal(verdict({ spec: '{}', annotations: '{istio.io/dry-run: "true"}' }), 'missing');
    assert.equal(verdict({ spec: '{}', annotations: '{istio.io/dry-run: "yes"}' }), 'closes');
    assert.equal(
      verdict({ spec: '{action: CUSTOM, rules: [{}]}', annotations: '{istio.io/dry-run: "true"}' }),
      'guards',
      'Istio asks an external authorizer all the same',
    );
  });

  test('that allows is judged with the others that allow: one of them is enough', () => {
    const nothing = { spec: '{}' };
    const everything = { spec: '{rules: [{}]}' };
    const some = { spec: `{${rules}}` };
    const hosts = (list: string) => ({ spec: `{rules: [{to: [{operation: {hosts: [${list}]}}]}]}` });
    const table: readonly [Parts, readonly Parts[], string][] = [
      [nothing, [everything], 'unconcerned'],
      [some, [{ ...everything, namespace: 'istio-system' }], 'unconcerned'],
      [some, [{ ...everything, namespace: 'default' }], 'guards'],
      [some, [{ spec: '{selector: {matchLabels: {app: shop}}, rules: [{}]}' }], 'guards'],
      [some, [{ ...everything, annotations: '{istio.io/dry-run: "true"}' }], 'guards'],
      [some, [{ spec: '{action: AUDIT, rules: [{}]}' }], 'guards'],
      [some, [{ spec: '{rules: [{}], fault: yes}' }], 'guards'],
      [nothing, [hosts('a.example, "a.example:*"'), some], 'closes but a.example a.example:*'],
      [some, [hosts('"b*"'), hosts('a.example')], 'guards but a.example b*'],
      [{ spec: `{action: DENY, ${rules}}` }, [everything], 'guards'],
      [{ spec: `{action: CUSTOM, ${rules}}` }, [everything], 'guards'],
    ];
    for (const [one, others, expected] of table)
      assert.equal(verdict(one, ...others), expected, JSON.stringify([one, others]));
  });

  test('with a fault in it is kept, and counts as the stricter: a typo never opens a host', () => {
    for (const spec of [
      `{selektor: {matchLabels: {app: myapp}}, ${rules}}`,
      `{action: DENYY, ${rules}}`,
      '{action: DENY, rules: [{to: [{operation: {hosts: [a.example], pathes: [/x]}}]}]}',
      '{action: ALLOW, rules: [{form: []}]}',
      'nothing',
    ]) {
      const { resource, problems } = readOne(yaml({ spec }));
      assert.ok(
        problems.some(({ severity }) => severity === 'error'),
        spec,
      );
      assert.ok(resource, spec);
      assert.equal(verdict({ spec }), 'guards', spec);
    }
  });
});

describe('other objects', () => {
  test('count as guards only when they may refuse a request to this gateway', () => {
    const patch = (applyTo: string, name: string, more = 'match: {context: GATEWAY}, ', operation = 'INSERT_BEFORE') =>
      `{configPatches: [{applyTo: ${applyTo}, ${more}patch: {operation: ${operation}, value: {name: ${name}}}}]}`;
    const table: readonly [string, string, string][] = [
      ['RequestAuthentication', '{jwtRules: [{issuer: i}]}', 'guards'],
      ['RequestAuthentication', '{}', 'unconcerned'],
      ['RequestAuthentication', '{selector: {matchLabels: {app: myapp}}, jwtRules: [{issuer: i}]}', 'unconcerned'],
      ['EnvoyFilter', patch('HTTP_FILTER', 'envoy.filters.http.ext_authz'), 'guards'],
      ['EnvoyFilter', patch('HTTP_FILTER', 'envoy.filters.http.lua', ''), 'guards'],
      ['EnvoyFilter', patch('HTTP_FILTER', 'istio.stats'), 'missing'],
      [
        'EnvoyFilter',
        patch('HTTP_FILTER', 'envoy.filters.http.lua', 'match: {context: SIDECAR_INBOUND}, '),
        'unconcerned',
      ],
      ['EnvoyFilter', patch('CLUSTER', 'x', '', 'MERGE'), 'missing'],
      ['EnvoyFilter', patch('HTTP_FILTER', 'envoy.filters.http.rbac', 'match: {context: GATWAY}, '), 'guards'],
      ['EnvoyFilter', patch('SOMETHING_NEW', 'x', '', 'MERGE'), 'guards'],
      [
        'EnvoyFilter',
        patch('FILTER_CHAIN', 'x, transport_socket: {requireClientCertificate: true}', '', 'MERGE'),
        'guards',
      ],
      ['EnvoyFilter', patch('HTTP_ROUTE', 'x, direct_response: {status: 403}', '', 'INSERT_FIRST'), 'guards'],
      ['EnvoyFilter', patch('HTTP_ROUTE', 'x, route: {timeout: 5s}', '', 'MERGE'), 'missing'],
      ['EnvoyFilter', patch('VIRTUAL_HOST', 'x', '', 'REMOVE'), 'guards'],
      ['EnvoyFilter', patch('HTTP_FILTER', 'x', '', 'REMOVE'), 'missing'],
      ['EnvoyFilter', patch('NETWORK_FILTER', 'hcm, typed_config: {http_filters: []}', '', 'MERGE'), 'guards'],
      ['EnvoyFilter', '{workloadSelector: {labels: {app: myapp}}, configPatches: [{applyTo: CLUSTER}]}', 'unconcerned'],
      ['WasmPlugin', '{url: oci://x, phase: AUTHN}', 'guards'],
      ['WasmPlugin', '{url: oci://x}', 'guards'],
      ['WasmPlugin', '{url: oci://x, failStrategy: FAIL_OPEN}', 'missing'],
      ['WasmPlugin', '{url: oci://x, phase: STATS}', 'missing'],
      ['WasmPlugin', '{url: oci://x, phase: AUTHZ, failStrategy: FAIL_OPEN}', 'guards'],
      ['TrafficExtension', '{lua: {inlineCode: x}}', 'guards'],
      ['TrafficExtension', '{wasm: {url: oci://x, failStrategy: FAIL_OPEN}}', 'missing'],
      ['Telemetry', '{accessLogging: [{disabled: true}]}', 'missing'],
      ['Telemetry', '{}', 'unconcerned'],
    ];
    for (const [kind, spec, expected] of table) assert.equal(verdict({ kind, spec }), expected, `${kind} ${spec}`);
  });
});

describe("every field of Istio's", { skip: requires({ shared: true }) }, () => {
  const kinds = {
    AuthorizationPolicy: 'authorizationpolicies.security.istio.io',
    RequestAuthentication: 'requestauthentications.security.istio.io',
    Telemetry: 'telemetries.telemetry.istio.io',
  } as const;
  /** `rules[].from[].source` as a spec that holds this one field. */
  const specWith = (field: string): unknown =>
    field.split('.').reduceRight<unknown>((value, step) => {
      const name = step.replace(/\[\]$|\{\}$/, '');
      if (step.endsWith('{}')) return { [name]: { any: value } };
      return { [name]: step.endsWith('[]') ? [value] : value };
    }, null);

  for (const [kind, name] of Object.entries(kinds))
    test(`${kind} is known by name`, () => {
      const all = JSON.parse(readFileSync(path.join(sharedDir, 'reference/istio-fields.json'), 'utf8')) as Record<
        string,
        string[]
      >;
      const fields = all[name] ?? [];
      assert.ok(fields.length > 20);
      const unknown = fields.filter((field) =>
        readOne(yaml({ kind, spec: JSON.stringify(specWith(field)) })).problems.some(({ code }) => code === 'MG0201'),
      );
      assert.deepEqual(unknown, []);
    });
});

test("a policy's host strings cover a name whenever some request for it could match", () => {
  const table: readonly [string, string, boolean][] = [
    ['a.example', 'a.example', true],
    ['a.example:8080', 'a.example', true],
    ['a.example:*', 'a.example', true],
    ['a.example:80*', 'a.example', true],
    ['*.example:80', 'a.example', true],
    ['*80', 'a.example', true],
    ['*:80', 'a.example', true],
    ['a.example.', 'a.example', true],
    ['[::1]', '[::1]', true],
    ['[::1]:80', '[::1]', true],
    ['a.example', 'b.example', false],
    ['a.example', '*.example', true],
    ['a.example', '*', true],
    ['*', 'a.example', true],
    ['*:8080', 'a.example', true],
    ['*.example', 'a.example', true],
    ['*.example', 'example', false],
    ['*.example', '*.b.example', true],
    ['*.b.example', '*.example', true],
    ['*.b.example', '*.c.example', false],
    ['a*', 'a.example', true],
    ['a*', 'b.example', false],
    ['a*', '*.example', true],
  ];
  for (const [host, domain, expected] of table)
    assert.equal(coversDomain([host], domain), expected, `${host} over ${domain}`);
});

test('a name is wholly covered only when its requests match with every port', () => {
  const table: readonly [readonly string[], string, boolean][] = [
    [['*'], '*', true],
    [['a.example', 'a.example:*'], 'a.example', true],
    [['a.ex*'], 'a.example', true],
    [['a.example'], 'a.example', false],
    [['a.example', 'a.example:8080'], 'a.example', false],
    [['a.example', 'a.example:8*'], 'a.example', false],
    [['*.example', 'a.example:*'], 'a.example', true],
    [['*.example', '*.example:*'], '*.example', false],
    [['b.example', 'b.example:*'], 'a.example', false],
    [[], 'a.example', false],
  ];
  for (const [hosts, domain, expected] of table)
    assert.equal(coversWholly(hosts, domain), expected, `${hosts.join()} over ${domain}`);
});

describe('what is not enforced', () => {
  const options = { gatewayNamespace: 'edge', gatewayLabels: labels, scope: 'whole' } as const;
  const guarding = yaml({
    spec: '{selector: {matchLabels: {istio: ingressgateway}}, rules: [{when: []}, {from: [{source: {}}]}]}',
  });

  test('is an error at its selector that names the way out by the settings; accepted, a warning', () => {
    const guarded = yaml({ spec: '{action: DENY, rules: [{to: [{operation: {hosts: [a.example]}}]}]}' });
    const [problem] = analyzeText(guarded, options);
    assert.equal(problem?.code, 'MG0401');
    assert.match(problem?.message ?? '', /the hosts a\.example answer 403/);
    assert.match(problem?.message ?? '', /security: \{acceptUnenforced: \[AuthorizationPolicy\/edge\/p\]\}/);
    const acceptUnenforced = ['AuthorizationPolicy/edge/p'];
    assert.deepEqual(brief(analyzeText(guarded, { ...options, acceptUnenforced })), ['4:1 warning MG0402 spec']);
    const selected = guarding.replace('{when: []}, ', '');
    assert.deepEqual(brief(analyzeText(selected, options)), ['4:8 error MG0401 spec.selector']);
  });

  test('is an info when it is for others, and a warning where it closes what it was to close', () => {
    assert.deepEqual(brief(analyzeText(yaml({ namespace: 'default' }), options)), ['4:1 info MG0404 spec']);
    assert.deepEqual(brief(analyzeText(yaml({ spec: '{}' }), options)), ['4:1 warning MG0401 spec']);
    assert.deepEqual(brief(analyzeText(yaml({ kind: 'Telemetry', spec: '{tracing: []}' }), options)), [
      '4:1 error MG0403 spec',
    ]);
  });

  test('an accepted object that is not there is a warning with the nearest name', () => {
    const problems = analyzeText(yaml({ spec: '{}' }), {
      ...options,
      acceptUnenforced: ['AuthorizationPolicy/edge/q'],
    });
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['MG0406', 'MG0401'],
    );
    assert.match(problems[0]?.message ?? '', /Did you mean "AuthorizationPolicy\/edge\/p"\?/);
    const kinds = analyzeText(yaml({ spec: '{}' }), {
      ...options,
      acceptUnenforced: ['AuthorizationPolicy', 'WasmPlugin'],
    });
    assert.deepEqual(brief(kinds), ['4:1 warning MG0402 spec'], 'a kind may be empty');
  });
});

describe('routes of other kinds', () => {
  const gatewayOf = (className: string) =>
    `---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {gatewayClassName: ${className}, listeners: []}\n`;
  const route = (spec: string) =>
    `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec: ${spec}\n`;
  const ingress = (spec: string, annotations = '{}', apiVersion = 'networking.k8s.io/v1') =>
    `apiVersion: ${apiVersion}\nkind: Ingress\nmetadata: {name: i, annotations: ${annotations}}\nspec: ${spec}\n`;

  test('an HTTPRoute is an error under a Gateway of our class, an info under others, a warning where nobody can tell', () => {
    const hanging = route('{parentRefs: [{name: g}]}');
    assert.deepEqual(brief(analyzeText(hanging + gatewayOf('istio'))), [
      '4:21 error MG0405 spec.parentRefs[0]',
      '9:26 error MG0405 spec.gatewayClassName',
    ]);
    assert.deepEqual(
      brief(analyzeText(hanging + gatewayOf('cilium'))).map((line) => line.replace(/^\S+ /, '')),
      ['info MG0404 spec.parentRefs', 'info MG0404 spec.gatewayClassName'],
    );
    assert.deepEqual(brief(analyzeText(hanging)), ['4:21 warning MG0405 spec.parentRefs[0]']);
    assert.deepEqual(brief(analyzeText(route('{parentRefs: [{kind: Service, group: "", name: s}]}'))), [
      '4:8 info MG0404 spec.parentRefs',
    ]);
  });

  test('an Ingress is an error under our classes, an info under others and under none', () => {
    const codes = (text: string) => brief(analyzeText(text)).map((line) => line.replace(/^\S+ /, ''));
    assert.deepEqual(codes(ingress('{ingressClassName: istio}')), ['error MG0405 spec.ingressClassName']);
    assert.deepEqual(codes(ingress('{ingressClassName: nginx}')), ['info MG0404 spec.ingressClassName']);
    assert.deepEqual(codes(ingress('{}')), ['info MG0404 spec.ingressClassName']);
    assert.deepEqual(codes(ingress('{}', '{kubernetes.io/ingress.class: mesh-gateway}', 'extensions/v1beta1')), [
      'error MG0405 metadata.annotations["kubernetes.io/ingress.class"]',
    ]);
  });
});
