import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeCa } from '#test/kit/certificates.ts';
import { buildFrom, codesOf, endpointsOf, gateway, httpServer, pod, service, virtualService } from './from-yaml.ts';

// Whose objects count at a gateway that lives in namespace `edge`.
const identity = { namespace: 'edge' };
const GATEWAY = gateway([httpServer(['*'])]);
const HOST = 'app.default.svc.cluster.local';
const KEY = `outbound|80||${HOST}`;

/** What an `exportTo` in namespace default amounts to. */
const EXPORTS: readonly [string, boolean][] = [
  ['[]', true],
  ['["*"]', true],
  ['[edge]', true],
  ['[other, edge]', true],
  ['["."]', false],
  ['[other]', false],
  ['["~"]', false],
];

const routing = virtualService({ hosts: ['*'], http: '[{route: [{destination: {host: app}}]}]' });
const APP = service('app', '{app: app}') + pod('p', '10.0.0.1', '{app: app, version: v1}');

describe('exportTo decides whether the gateway may use an object', () => {
  for (const [exportTo, counts] of EXPORTS) {
    test(`${exportTo} of a VirtualService, ServiceEntry, Service and DestinationRule: ${counts ? 'yes' : 'no'}`, () => {
      const routed = buildFrom(GATEWAY + routing.replace('http:', `exportTo: ${exportTo}\n  http:`) + APP, identity);
      assert.equal('http.31380|*' in routed.units.virtualHosts, counts, 'VirtualService');

      const entry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: e}
spec: {hosts: [${HOST}], exportTo: ${exportTo}, resolution: STATIC, ports: [{number: 80, name: http}], endpoints: [{address: 10.9.9.9}]}
---`;
      const external = buildFrom(GATEWAY + routing + entry, identity);
      assert.deepEqual(endpointsOf(external, KEY), counts ? ['10.9.9.9:80'] : [], 'ServiceEntry');
      assert.deepEqual(codesOf(external), counts ? [] : ['error MG0305 spec.http[0].route[0].destination.host']);

      const annotation = exportTo.replaceAll(/[[\]"]/g, '');
      const annotated = APP.replace(
        '{name: app}',
        `{name: app, annotations: {networking.istio.io/exportTo: "${annotation}"}}`,
      );
      const internal = buildFrom(GATEWAY + routing + annotated, identity);
      assert.deepEqual(endpointsOf(internal, KEY), counts ? ['10.0.0.1:80'] : [], 'Service');
      assert.deepEqual(codesOf(internal), counts ? [] : ['error MG0305 spec.http[0].route[0].destination.host']);

      const rule = rules([['default', 'RANDOM', exportTo]]);
      const balanced = buildFrom(GATEWAY + routing + APP + rule, identity);
      assert.equal(balanced.units.clusters[KEY]?.balancer, counts ? 'RANDOM' : 'LEAST_REQUEST', 'DestinationRule');
    });
  }
});

/** DestinationRules for the app, one for each namespace, told apart by their balancer. */
function rules(
  of: readonly (readonly [namespace: string, balancer: string, exportTo?: string, host?: string])[],
): string {
  return of
    .map(
      ([namespace, balancer, exportTo = '["*"]', host = HOST], index) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: r${index}, namespace: ${namespace}}
spec: {host: "${host}", exportTo: ${exportTo}, trafficPolicy: {loadBalancer: {simple: ${balancer}}}}
---`,
    )
    .join('');
}

describe('a DestinationRule is looked up', () => {
  const balancerOf = (of: Parameters<typeof rules>[0], namespace = 'edge') =>
    buildFrom(GATEWAY + routing + APP + rules(of), { namespace }).units.clusters[KEY]?.balancer;

  test("in the gateway's namespace, then the service's, then the root namespace; elsewhere never", () => {
    const all = [
      ['edge', 'RANDOM'],
      ['default', 'ROUND_ROBIN'],
      ['istio-system', 'LEAST_CONN'],
    ] as const;
    assert.equal(balancerOf(all), 'RANDOM');
    assert.equal(balancerOf(all.slice(1)), 'ROUND_ROBIN');
    assert.equal(balancerOf([['istio-system', 'RANDOM']]), 'RANDOM');
    assert.equal(balancerOf([['other', 'RANDOM']]), 'LEAST_REQUEST');
  });

  test('in the root namespace of the settings, and no more in the default one', () => {
    const balancer = (namespace: string) =>
      buildFrom(GATEWAY + routing + APP + rules([[namespace, 'RANDOM']]), { namespace: 'edge', rootNamespace: 'mesh' })
        .units.clusters[KEY]?.balancer;
    assert.deepEqual([balancer('mesh'), balancer('istio-system')], ['RANDOM', 'LEAST_REQUEST']);
  });

  test('the first namespace with a rule decides alone, however wide its host is', () => {
    assert.equal(
      balancerOf([
        ['edge', 'RANDOM', '["*"]', '*.local'],
        ['default', 'ROUND_ROBIN'],
      ]),
      'RANDOM',
    );
  });

  test('a gateway in the root namespace asks the service first', () => {
    assert.equal(
      balancerOf(
        [
          ['istio-system', 'RANDOM'],
          ['default', 'ROUND_ROBIN'],
        ],
        'istio-system',
      ),
      'ROUND_ROBIN',
    );
  });

  test('one for certain workloads counts only if the gateway is one of them, and then before those for all', () => {
    const selecting = (namespace: string, selector: string) =>
      rules([[namespace, 'RANDOM']])
        .replace('spec: {', `spec: {workloadSelector: {matchLabels: ${selector}}, `)
        .replace('r0', 'own');
    const balancer = (...texts: string[]) =>
      buildFrom(GATEWAY + routing + APP + texts.join(''), identity).units.clusters[KEY]?.balancer;
    const ours = '{istio: ingressgateway}';
    const wide = rules([['edge', 'ROUND_ROBIN']]);
    assert.equal(balancer(selecting('edge', ours)), 'RANDOM');
    assert.equal(balancer(selecting('edge', ours), wide), 'RANDOM');
    assert.equal(balancer(selecting('edge', '{app: client}'), wide), 'ROUND_ROBIN');
    assert.equal(balancer(selecting('default', ours)), 'LEAST_REQUEST', 'of another namespace');
    assert.equal(
      balancer(selecting('default', '{app: client}'), rules([['istio-system', 'ROUND_ROBIN']])),
      'ROUND_ROBIN',
    );
  });

  test("one of the gateway's own namespace counts though it is exported to nobody else", () => {
    assert.equal(balancerOf([['edge', 'RANDOM', '["."]']]), 'RANDOM');
    assert.equal(
      balancerOf([
        ['default', 'RANDOM', '["."]'],
        ['istio-system', 'ROUND_ROBIN'],
      ]),
      'ROUND_ROBIN',
    );
  });
});

test("a credentialName is looked up in the gateway's namespace, then beside the Gateway, and nowhere else", async () => {
  const ca = await makeCa();
  const secret = async (namespace: string) => {
    const { certificatePem, privateKeyPem } = await ca.issue({ names: [namespace] });
    const stringData = JSON.stringify({ 'tls.crt': certificatePem, 'tls.key': privateKeyPem });
    return `\n{apiVersion: v1, kind: Secret, metadata: {name: cert, namespace: ${namespace}}, stringData: ${stringData}}\n---`;
  };
  const secure = gateway([
    '{port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"], tls: {mode: SIMPLE, credentialName: cert}}',
  ]);
  for (const [namespaces, taken] of [
    [['edge', 'default', 'istio-system'], ['edge/cert']],
    [['default', 'istio-system'], ['default/cert']],
    [['istio-system', 'other'], []],
  ] as const) {
    const secrets = await Promise.all(namespaces.map(secret));
    assert.deepEqual(Object.keys(buildFrom([secure, ...secrets], identity).units.certificates), taken);
  }
});

test('Gateways are chosen by their selector: all its labels, or none asked for', () => {
  const labels = { istio: 'ingressgateway', app: 'edge' };
  const served = (selector: string) => {
    const text = GATEWAY.replace('{istio: ingressgateway}', selector) + routing + APP;
    return Object.keys(buildFrom(text, { labels }).units.virtualHosts).length > 0;
  };
  assert.deepEqual(
    [
      '{istio: ingressgateway}',
      '{istio: ingressgateway, app: edge}',
      '{}',
      '{istio: egress}',
      '{istio: ingressgateway, app: x}',
    ].map(served),
    [true, true, true, false, false],
  );
});
