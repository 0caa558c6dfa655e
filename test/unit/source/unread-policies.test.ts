import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Evaluator } from '#gateway/control/evaluator.ts';
import type { UnreadPolicy } from '#gateway/control/resource/policies/unread.ts';
import { Claims } from '#gateway/control/source/claims.ts';
import { interpretFile, knownFile } from '#gateway/control/source/object-file.ts';
import { destinationRuleYaml, gatewayYaml, serviceAndPodYaml, virtualServiceYaml } from '../../kit/yaml-objects.ts';

// An object that may guard hosts and that cannot be read closes all of them: what it would have closed, nobody knows.
const policy = (spec = '{}', namespace = 'istio-system', name = 'p') =>
  `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`;

/** `AuthorizationPolicy/istio-system/p in istio-system`, for each. */
function unreadIn(text: string, before?: string): string[] {
  const previous = before === undefined ? undefined : interpretFile('f.yaml', before, undefined);
  return interpretFile('f.yaml', text, previous).unread.map(brief);
}

function brief({ policy: name, namespaces }: UnreadPolicy): string {
  return namespaces === undefined ? name : `${name} in ${namespaces.join()}`;
}

const KEY = 'AuthorizationPolicy/istio-system/p';

test('a document of such a kind that cannot be read is told, with all that it says of itself', () => {
  const table: readonly [string, string, string[]][] = [
    ['good', policy(), []],
    ['a syntax error', policy('{rules: [}'), [`${KEY} in istio-system`]],
    ['a syntax error of another kind', gatewayYaml().replace('hosts:', 'hosts: ['), []],
    ['of another namespace', policy('{rules: [}', 'shop'), ['AuthorizationPolicy/shop/p in shop']],
    ['without a readable name', `{kind: "RequestAuthentication", metadata: [}`, ['RequestAuthentication']],
    [
      'without a namespace',
      policy('{a: [}').replace(', namespace: istio-system', ''),
      ['AuthorizationPolicy/default/p'],
    ],
    ['two namespaces', policy('{a: [}').replace('{name', '{namespace: shop, name'), [`${KEY} in shop,istio-system`]],
    ['JSON', '{"kind":"WasmPlugin","metadata":{"name":"w","namespace":"shop"},', ['WasmPlugin/shop/w in shop']],
    ['too deep', policy(`${'['.repeat(200)}${']'.repeat(200)}`), ['AuthorizationPolicy in istio-system']],
    ['aliases without end', policy('{a: *b}'), ['AuthorizationPolicy in istio-system']],
    ['another version', policy().replace('/v1', '/v1alpha1'), [`${KEY} in istio-system`]],
    ['another group', policy().replace('security', 'networking'), [`${KEY} in istio-system`]],
    ['a misspelt kind', policy().replace('Policy', 'Polcy'), [`${KEY} in istio-system`]],
    ['no name', policy().replace('name: p, ', ''), ['AuthorizationPolicy in istio-system']],
    ['a name that is none', policy().replace('name: p', 'name: [p]'), ['AuthorizationPolicy in istio-system']],
    ['no version', policy().replace('apiVersion', 'version'), [`${KEY} in istio-system`]],
    ['no kind', policy().replace('kind: AuthorizationPolicy', ''), [`${KEY} in istio-system`]],
    ['of sidecars', policy().replace('AuthorizationPolicy', 'PeerAuthentication').replace('/v1', '/v9'), []],
    [
      'in a list that is none',
      `- ${policy().trim().replaceAll('\n', '\n  ')}\n`,
      ['AuthorizationPolicy in istio-system'],
    ],
    ['as text', `|\n  ${policy().replaceAll('\n', '\n  ')}\n`, ['AuthorizationPolicy in istio-system']],
    ['a list of something else', '[{kind: Gateway}]', []],
    [
      'in a List',
      `apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: EnvoyFilter}]`,
      ['EnvoyFilter in default'],
    ],
  ];
  for (const [what, text, expected] of table) assert.deepEqual(unreadIn(text), expected, what);
});

test('one that was there before goes on with its last good version; what is new beside it does not', () => {
  const broken = policy('{rules: [}');
  const nameless = policy('{rules: [}').replace('{name: p, ', '{name: [, ');
  assert.deepEqual(unreadIn(broken, policy()), []);
  assert.deepEqual(unreadIn(nameless, policy()), []);
  assert.deepEqual(unreadIn(`${broken}---\n${policy('{a: [}', 'istio-system', 'q')}`, policy()), [
    'AuthorizationPolicy/istio-system/q in istio-system',
  ]);
  assert.equal(unreadIn(`${nameless}---\n${nameless}`, policy()).length, 1);
  assert.deepEqual(interpretFile('f.yaml', broken, knownFile('f.yaml', [KEY])).unread, [], 'nor after a restart');
});

test('of two definitions of one object, the one that is not obeyed and says something else is told', () => {
  const ignored = (other: string): string[] => {
    const claims = new Claims();
    const files = [policy(), other].map((text, index) => interpretFile(`${index}.yaml`, text, undefined));
    for (const file of files) claims.tell(claims.replace(undefined, file));
    return claims.ignoredPolicies().map(brief);
  };
  assert.deepEqual(ignored(policy()), []);
  assert.deepEqual(ignored(policy('{action: DENY, rules: [{}]}')), [`${KEY} in istio-system`]);
});

/** An appliance that serves one host; what closes it, and the problems. */
function served(
  unread: readonly UnreadPolicy[],
  acceptUnenforced: readonly string[] = [],
): { readonly denied: readonly string[] | undefined; readonly problems: readonly string[] } {
  const evaluator = new Evaluator(
    {
      namespace: 'edge',
      rootNamespace: 'mesh',
      labels: { istio: 'ingressgateway' },
      ports: [{ gatewayPort: 80, nodePorts: [31_380] }],
      acceptUnenforced,
      connectTimeoutMs: 1_000,
    },
    () => 0,
  );
  const text = [gatewayYaml(), serviceAndPodYaml(), destinationRuleYaml(), virtualServiceYaml()].join('---\n');
  const { objects } = interpretFile('f.yaml', text, undefined);
  evaluator.apply(objects.map(({ key, resource }) => [key, resource]));
  evaluator.setUnread(unread);
  const [host] = Object.values(evaluator.units.virtualHosts);
  const problems = [...evaluator.found.problems()].map(({ severity, code }) => `${severity} ${code}`);
  return { denied: host?.denied?.policies, problems };
}

const unread = (name: string, ...namespaces: string[]): UnreadPolicy => ({
  kind: 'unread',
  policy: name,
  why: 'No right.',
  ...(namespaces.length > 0 && { namespaces }),
});

test('it closes all hosts unless it is of a namespace that does not count here', () => {
  assert.deepEqual(served([]), { denied: undefined, problems: [] });
  const closing = { denied: ['AuthorizationPolicy'], problems: ['error MG0408'] };
  assert.deepEqual(served([unread('AuthorizationPolicy')]), closing);
  assert.deepEqual(served([unread('AuthorizationPolicy', 'shop', 'edge')]), closing);
  assert.deepEqual(served([unread('AuthorizationPolicy', 'mesh')]), closing);
  assert.deepEqual(served([unread('AuthorizationPolicy', 'istio-system')]), { denied: undefined, problems: [] });
});

test('the settings accept it by its name or by its kind', () => {
  const one = unread('AuthorizationPolicy/edge/p', 'edge');
  const accepted = { denied: undefined, problems: ['warning MG0402'] };
  assert.deepEqual(served([one], ['AuthorizationPolicy/edge/p']), accepted);
  assert.deepEqual(served([one], ['AuthorizationPolicy']), accepted);
  assert.deepEqual(served([unread('AuthorizationPolicy')], ['AuthorizationPolicy']), accepted);
  assert.deepEqual(served([one], ['WasmPlugin']).denied, ['AuthorizationPolicy/edge/p']);
  assert.deepEqual(served([unread('AuthorizationPolicy')], ['AuthorizationPolicy/edge/p']).denied, [
    'AuthorizationPolicy',
  ]);
});

test('after an exception half way it closes still', () => {
  const evaluator = new Evaluator(
    { namespace: 'edge', labels: {}, ports: [{ gatewayPort: 80, nodePorts: [31_380] }], connectTimeoutMs: 1_000 },
    () => 0,
  );
  evaluator.setUnread([unread('AuthorizationPolicy')]);
  const broken = {
    kind: 'VirtualService',
    namespace: 'default',
    name: 'x',
    get spec(): unknown {
      throw new Error('a defect');
    },
  };
  assert.throws(() => evaluator.apply([['VirtualService/default/x', broken as never]]));
  const text = [gatewayYaml().replace('istio: ingressgateway', '').replace('selector:', ''), virtualServiceYaml()];
  const { objects } = interpretFile('f.yaml', text.join('---\n'), undefined);
  evaluator.apply([
    ['VirtualService/default/x', undefined],
    ...objects.map(({ key, resource }) => [key, resource] as const),
  ]);
  const hosts = Object.values(evaluator.units.virtualHosts);
  assert.ok(hosts.length > 0 && hosts.every(({ denied }) => denied !== undefined));
});
