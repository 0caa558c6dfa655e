import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBuilder } from '#gateway/control/build/builder.ts';
import { buildFrom, gateway, httpServer, IDENTITY, resourcesFrom, virtualService } from './from-yaml.ts';

const routes =
  gateway([httpServer(['*'])]) +
  virtualService({ name: 'a', hosts: ['a.example'] }) +
  virtualService({ name: 'b', hosts: ['*.b.example'] });

const policy = (spec: string, namespace = 'istio-system', name = 'p') =>
  `\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n---`;

/** Host -> what closes it. */
function closed(text: string, identity = {}): Record<string, readonly string[]> {
  const hosts = Object.values(buildFrom(text, identity).units.virtualHosts);
  return Object.fromEntries(hosts.flatMap(({ domain, denied }) => (denied ? [[domain, denied.policies]] : [])));
}

test('a policy for the gateway closes all its hosts; a DENY by hosts only these; one for others none', () => {
  const key = 'AuthorizationPolicy/istio-system/p';
  const some = 'rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]';
  assert.deepEqual(closed(routes + policy(`{${some}}`)), { 'a.example': [key], '*.b.example': [key] });
  assert.deepEqual(closed(routes + policy('{action: DENY, rules: [{to: [{operation: {hosts: [x.b.example]}}]}]}')), {
    '*.b.example': [key],
  });
  assert.deepEqual(closed(routes + policy(`{selector: {matchLabels: {app: myapp}}, ${some}}`)), {});
  assert.deepEqual(closed(routes + policy(`{${some}}`, 'default')), {});
  assert.deepEqual(closed(routes + policy(`{${some}}`, 'edge'), { namespace: 'edge' })['a.example'], [
    'AuthorizationPolicy/edge/p',
  ]);
});

test('of policies that allow, one is enough: what they wholly allow together stays open', () => {
  const office = policy('{rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]}');
  const allow = (rules: string, namespace?: string) => policy(`{rules: ${rules}}`, namespace, 'q');
  assert.deepEqual(closed(routes + office + allow('[{}]')), {});
  assert.deepEqual(
    Object.keys(closed(routes + office + allow('[{to: [{operation: {hosts: [a.example, "a.example:*"]}}]}]'))),
    ['*.b.example'],
  );
  const denying = policy('{action: DENY, rules: [{to: [{operation: {hosts: [a.example]}}]}]}', 'istio-system', 'r');
  assert.deepEqual(Object.keys(closed(routes + office + allow('[{}]') + denying)), ['a.example']);
  assert.equal(Object.keys(closed(routes + office + allow('[{}]', 'default'))).length, 2);
});

test('the root namespace of the settings counts, not the usual one', () => {
  const identity = { namespace: 'edge', rootNamespace: 'mesh' };
  assert.deepEqual(closed(routes + policy('{}', 'mesh'), identity)['a.example'], ['AuthorizationPolicy/mesh/p']);
  assert.deepEqual(closed(routes + policy('{}', 'istio-system'), identity), {});
});

test('a closed host has no routes, no redirect and no clusters', () => {
  const redirecting = gateway([httpServer(['a.example'], 80, ', tls: {httpsRedirect: true}')]);
  const { units } = buildFrom(redirecting + virtualService({ hosts: ['a.example'] }) + policy('{}'));
  assert.deepEqual(units.virtualHosts['http.31380|a.example'], {
    key: 'http.31380|a.example',
    listener: 'http.31380',
    domain: 'a.example',
    denied: { policies: ['AuthorizationPolicy/istio-system/p'] },
    routes: [],
  });
  assert.deepEqual(units.clusters, {});
});

test('what the settings accept closes nothing, but the others still do', () => {
  const two = routes + policy('{}') + policy('{}', 'istio-system', 'q');
  const acceptUnenforced = ['AuthorizationPolicy/istio-system/p'];
  assert.deepEqual(closed(two, { acceptUnenforced })['a.example'], ['AuthorizationPolicy/istio-system/q']);
  assert.deepEqual(closed(routes + policy('{}'), { acceptUnenforced }), {});
  assert.deepEqual(closed(two, { acceptUnenforced: ['AuthorizationPolicy'] }), {}, 'a kind as a whole');
  assert.equal(Object.keys(closed(two, { acceptUnenforced: ['WasmPlugin'] })).length, 2);
});

test('hosts close and open as policies come and go, and what is not touched keeps its identity', () => {
  const builder = createBuilder();
  const resources = resourcesFrom(routes);
  const build = () => builder.build({ resources, gateway: IDENTITY }).units.virtualHosts;
  const open = build();
  const [denying] = resourcesFrom(policy('{action: DENY, rules: [{to: [{operation: {hosts: [a.example]}}]}]}'));
  assert.ok(denying);
  resources.set(...denying);
  const half = build();
  assert.ok(half['http.31380|a.example']?.denied);
  assert.equal(half['http.31380|*.b.example'], open['http.31380|*.b.example']);
  resources.delete(denying[0]);
  assert.deepEqual(build(), open);
});
