import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brief, readOne, specOf } from './reading.ts';

const head = (version = 'v1') =>
  `apiVersion: networking.istio.io/${version}\nkind: VirtualService\nmetadata:\n  name: myapp\nspec:\n  hosts: [a.example]\n  gateways: [gw]\n`;
const route = '    route:\n    - destination: {host: myapp}\n';

/** The problems of a VirtualService whose body starts in line 8. */
function problemsOf(body: string, version?: string): string[] {
  return brief(readOne(head(version) + body).problems);
}

function messagesOf(body: string): string {
  return readOne(head() + body)
    .problems.map(({ message }) => message)
    .join('\n');
}

const twoWay = (first: string, second: string) => `  http:
  - route:
    - destination: {host: myapp, subset: v1}
      ${first}
    - destination: {host: myapp, subset: v2}
      ${second}
`;

describe('the spec', () => {
  test('is typed, with hosts in lower case and names resolved', () => {
    const spec = specOf(
      'VirtualService',
      `apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: myapp, namespace: shop}
spec:
  hosts: ["WWW.Example.com", "*.example.com", "::1"]
  gateways: [gw, other/gw, ./near, mesh, old.infra.svc.cluster.local]
  exportTo: ["."]
  http:
  - name: main
    match:
    - uri: {prefix: /A}
      ignoreUriCase: true
      method: {exact: GET}
      authority: {exact: "WWW.example.com:8080"}
      headers: {X-User: {exact: Ann}, x-any: {}}
      withoutHeaders: {x-bot: {regex: "*"}}
      queryParams: {V: {regex: "[0-9]+"}}
      port: 80
      gateways: [gw]
    route:
    - destination: {host: reviews, subset: v1, port: {number: 9080}}
      weight: 90
    - destination: {host: reviews.other.svc.cluster.local}
      weight: 10
    timeout: 1m1.5s
`,
      // For `./near`, the old form of a name, and a host within another.
      ['IST0133'],
    );
    assert.deepEqual(spec, {
      hosts: ['www.example.com', '*.example.com', '[::1]'],
      gateways: ['shop/gw', 'other/gw', 'shop/near', 'mesh', 'infra/old'],
      exportTo: ['shop'],
      http: [
        {
          index: 0,
          name: 'main',
          matches: [
            {
              index: 0,
              uri: { kind: 'prefix', value: '/a', ignoreCase: true },
              method: { kind: 'exact', value: 'GET' },
              authority: { kind: 'exact', value: 'www.example.com' },
              headers: [
                { name: 'x-user', match: { kind: 'exact', value: 'Ann' } },
                { name: 'x-any', match: { kind: 'present', value: '' } },
              ],
              withoutHeaders: [{ name: 'x-bot', match: { kind: 'present', value: '' } }],
              queryParams: [{ name: 'V', match: { kind: 'regex', value: '[0-9]+' } }],
              port: 80,
              gateways: ['shop/gw'],
            },
          ],
          action: {
            kind: 'forward',
            destinations: [
              {
                index: 0,
                host: 'reviews.shop.svc.cluster.local',
                writtenHost: 'reviews',
                subset: 'v1',
                port: 9080,
                weight: 90,
              },
              {
                index: 1,
                host: 'reviews.other.svc.cluster.local',
                writtenHost: 'reviews.other.svc.cluster.local',
                weight: 10,
              },
            ],
            timeoutMs: 61_500,
          },
        },
      ],
    });
  });

  test('without gateways is for the mesh, and exported to all', () => {
    const spec = specOf('VirtualService', head().replace('  gateways: [gw]\n', '') + `  http:\n  - name: x\n${route}`);
    assert.deepEqual([spec.gateways, spec.exportTo], [['mesh'], ['*']]);
  });

  test('is the same in all three versions', () => {
    const [v1, v1beta1, v1alpha3] = ['v1', 'v1beta1', 'v1alpha3'].map((version) =>
      specOf('VirtualService', `${head(version)}${twoWay('weight: 50', 'weight: 50')}`),
    );
    assert.deepEqual(v1, v1beta1);
    assert.deepEqual(v1, v1alpha3);
  });

  test('keeps redirects and direct responses', () => {
    const { http } = specOf(
      'VirtualService',
      `${head()}  http:
  - match: [{uri: {prefix: /old}}]
    redirect: {prefixRewrite: /new, authority: new.example, scheme: https, derivePort: FROM_PROTOCOL_DEFAULT, redirectCode: 308}
  - match: [{uri: {exact: /x}}]
    redirect: {uri: /y}
  - directResponse: {status: 503, body: {string: later}}
`,
    );
    assert.deepEqual(
      http.map(({ action }) => action),
      [
        {
          kind: 'redirect',
          status: 308,
          scheme: 'https',
          authority: 'new.example',
          port: 'from-protocol',
          path: { kind: 'prefix', value: '/new' },
        },
        { kind: 'redirect', status: 301, path: { kind: 'replace', value: '/y' } },
        { kind: 'direct-response', status: 503, body: 'later' },
      ],
    );
  });
});

describe('weights', () => {
  test('a misspelt weight has its position and the right name', () => {
    const { problems, resource } = readOne(head() + twoWay('wieght: 10', 'weight: 90'));
    assert.deepEqual(brief(problems), ['11:7 error MG0201 spec.http[0].route[0].wieght']);
    assert.match(problems[0]?.message ?? '', /Did you mean "weight"\?/);
    assert.equal(resource, undefined);
  });

  test('a negative, broken, quoted or missing weight is an error at its value', () => {
    assert.deepEqual(problemsOf(twoWay('weight: -1', 'weight: 1')), [
      '11:15 error IST0106 spec.http[0].route[0].weight',
    ]);
    assert.deepEqual(problemsOf(twoWay('weight: 0.5', 'weight: 1')), [
      '11:15 error IST0106 spec.http[0].route[0].weight',
    ]);
    assert.deepEqual(problemsOf(twoWay('weight: "50"', 'weight: 50')), [
      '11:15 error IST0106 spec.http[0].route[0].weight',
    ]);
    assert.deepEqual(problemsOf(twoWay('weight: ', 'weight: ')), ['9:5 error IST0106 spec.http[0].route']);
  });

  test('a sum of 0 for several destinations is an error, for one it is not', () => {
    assert.deepEqual(problemsOf(twoWay('weight: 0', 'weight: 0')), ['9:5 error IST0106 spec.http[0].route']);
    assert.deepEqual(problemsOf(`  http:\n  - name: x\n${route}      weight: 0\n`), []);
  });

  test('a sum other than 100 is a warning for v1alpha3 alone', () => {
    assert.deepEqual(problemsOf(twoWay('weight: 1', 'weight: 2'), 'v1alpha3'), [
      '9:5 warning MG0203 spec.http[0].route',
    ]);
    assert.deepEqual(problemsOf(twoWay('weight: 1', 'weight: 2'), 'v1'), []);
  });
});

describe('faults', () => {
  test('all are reported at once, each at its place', () => {
    assert.deepEqual(
      problemsOf(`  htp: []
  http:
  - match:
    - uri: {exact: /a, prefix: /b}
      port: 70000
      ignoreUriCase: "true"
    route:
    - destination: {host: "*.x"}
    timeout: 5
  - redirect: {redirectCode: 304, uri: /x}
  - directResponse: {status: 99}
  - name: nothing
`),
      [
        '8:3 error MG0201 spec.htp',
        '11:12 error IST0106 spec.http[0].match[0].uri',
        '12:13 error IST0106 spec.http[0].match[0].port',
        '13:22 error IST0106 spec.http[0].match[0].ignoreUriCase',
        '15:27 error MG0207 spec.http[0].route[0].destination.host',
        '16:14 error IST0106 spec.http[0].timeout',
        '17:30 error MG0207 spec.http[1].redirect.redirectCode',
        '18:30 error IST0106 spec.http[2].directResponse.status',
        '19:5 error IST0106 spec.http[3]',
      ],
    );
  });

  test('hosts: at least one, none with a scheme, a port or a star inside', () => {
    const withHosts = (hosts: string) =>
      brief(readOne(`${head().replace('[a.example]', hosts)}  http:\n  - name: x\n${route}`).problems);
    assert.deepEqual(withHosts('[]'), ['6:10 error IST0106 spec.hosts']);
    assert.deepEqual(withHosts('["http://a.example"]'), ['6:11 error IST0106 spec.hosts[0]']);
    assert.deepEqual(withHosts('[a.example, "a.example:80", "a*.example"]'), [
      '6:22 error IST0106 spec.hosts[1]',
      '6:38 error IST0106 spec.hosts[2]',
    ]);
  });

  test('a spec without hosts and rules says what is missing', () => {
    const { problems } = readOne(
      'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: x\nspec: {}\n',
    );
    assert.deepEqual(brief(problems), ['5:1 error MG0207 spec.hosts', '5:1 error IST0106 spec']);
  });

  test('route, redirect and directResponse exclude each other', () => {
    assert.deepEqual(problemsOf(`  http:\n  - redirect: {uri: /x}\n${route}`), [
      '9:5 error IST0106 spec.http[0].redirect',
    ]);
  });

  test('an expression that RE2 does not take is an error with the reason', () => {
    const body = `  http:\n  - match:\n    - uri:\n        regex: "(?=a)b"\n${route}`;
    assert.deepEqual(problemsOf(body), ['11:16 error IST0122 spec.http[0].match[0].uri.regex']);
    assert.match(messagesOf(body), /no look-around/);
    assert.deepEqual(problemsOf(body.replace('(?=a)b', '(a)\\\\1')), [
      '11:16 error IST0122 spec.http[0].match[0].uri.regex',
    ]);
    assert.deepEqual(problemsOf(body.replace('(?=a)b', '/a/[0-9]+(/.*)?')), []);
  });

  test('header names: pseudo headers and claims are errors, the four attributes are ignored with a warning', () => {
    const body = (name: string) => `  http:\n  - match:\n    - headers:\n        ${name}: {exact: x}\n${route}`;
    assert.deepEqual(problemsOf(body('":path"')), ['11:9 error MG0207 spec.http[0].match[0].headers[":path"]']);
    assert.match(messagesOf(body('"@request.auth.claims.group"')), /not served yet/);
    assert.deepEqual(problemsOf(body('uri')), ['11:9 warning MG0205 spec.http[0].match[0].headers.uri']);
  });

  test('a timeout of 0s means none, with a warning; one without a unit is an error', () => {
    const { resource, problems } = readOne(`${head()}  http:\n  - timeout: 0s\n${route}`);
    assert.deepEqual(brief(problems), ['9:14 warning MG0205 spec.http[0].timeout']);
    assert.ok(resource?.kind === 'VirtualService');
    assert.ok(!('timeoutMs' in (resource.spec.http[0]?.action ?? {})));
    assert.match(messagesOf(`  http:\n  - timeout: 5\n${route}`), /write 5s/);
  });

  test('an unknown field is an error in a folder, a warning from a cluster', () => {
    const text = `${head()}  http:\n  - retrys: {}\n${route}`;
    assert.deepEqual(brief(readOne(text).problems), ['9:5 error MG0201 spec.http[0].retrys']);
    const fromCluster = readOne(text, 'cluster');
    assert.deepEqual(brief(fromCluster.problems), ['9:5 warning MG0201 spec.http[0].retrys']);
    assert.equal(fromCluster.key, 'VirtualService/default/myapp');
    assert.ok(fromCluster.resource);
  });
});

describe('what is not honoured yet', () => {
  test('raises a warning with what happens meanwhile, and names inside it are checked', () => {
    const { problems } = readOne(`${head()}  http:\n  - corsPolicy:\n      allowOrigns: []\n${route}`);
    assert.deepEqual(brief(problems), [
      '9:5 warning MG0202 spec.http[0].corsPolicy',
      '10:7 error MG0201 spec.http[0].corsPolicy.allowOrigns',
    ]);
    assert.match(problems[0]?.message ?? '', /reach the backend/);
  });

  test('match blocks for sidecars never match here: their rule is left out', () => {
    const { resource } = readOne(
      `${head()}  http:\n  - match: [{sourceLabels: {app: x}}]\n${route}  - match: [{sourceNamespace: other}, {uri: {exact: /z}}]\n${route}`,
    );
    assert.ok(resource?.kind === 'VirtualService');
    assert.deepEqual(
      resource.spec.http.map((rule) => [rule.index, rule.matches.map(({ index }) => index)]),
      [[1, [1]]],
    );
  });

  test('a delegating rule keeps its requests, answered with 503, from the rules after it', () => {
    const { resource, problems } = readOne(
      `${head()}  http:\n  - match: [{uri: {prefix: /d}}]\n    delegate: {name: x}\n  - name: rest\n${route}`,
    );
    assert.deepEqual(brief(problems), ['10:5 warning MG0202 spec.http[0].delegate']);
    assert.ok(resource?.kind === 'VirtualService');
    assert.deepEqual(resource.spec.http[0]?.action, { kind: 'direct-response', status: 503, body: '' });
  });
});
