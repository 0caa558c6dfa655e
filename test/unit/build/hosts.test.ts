import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildFrom, gateway, httpServer, routesOf, virtualService } from './from-yaml.ts';

const LISTENER = 'http.31380';

function domains(yaml: string, identity = {}): string[] {
  const { units } = buildFrom(yaml, identity);
  return Object.keys(units.virtualHosts).map((key) => key.replace(`${LISTENER}|`, ''));
}

describe('virtual hosts are the intersection of server hosts and VirtualService hosts', () => {
  const cases: [string, string[], string[], string[]][] = [
    ['the VirtualService is narrower', ['*.foo.com'], ['a.foo.com'], ['a.foo.com']],
    ['the server is narrower', ['1.foo.com'], ['*.foo.com'], ['1.foo.com']],
    ['both are *', ['*'], ['*'], ['*']],
    ['a wildcard inside a wildcard', ['*.foo.com'], ['*.a.foo.com'], ['*.a.foo.com']],
    ['*.foo.com does not hold foo.com', ['*.foo.com'], ['foo.com'], []],
    ['disjoint', ['a.example'], ['b.example'], []],
    ['several', ['*.foo.com', 'bar.com'], ['*'], ['*.foo.com', 'bar.com']],
    ['an exact name under two server hosts comes once', ['*.foo.com', 'a.foo.com'], ['a.foo.com'], ['a.foo.com']],
    ['upper case', ['A.Example'], ['a.EXAMPLE'], ['a.example']],
    ['the namespace of the VirtualService is admitted', ['default/a.example'], ['a.example'], ['a.example']],
    ['another namespace is not', ['team/a.example'], ['a.example'], []],
    ['./ is the Gateway namespace', ['./a.example'], ['a.example'], ['a.example']],
    ['*/ is any namespace', ['*/a.example'], ['a.example'], ['a.example']],
  ];
  for (const [title, serverHosts, hosts, expected] of cases) {
    test(title, () => {
      assert.deepEqual(domains(gateway([httpServer(serverHosts)]) + virtualService({ hosts })), expected);
    });
  }

  test('./ keeps out VirtualServices of other namespaces', () => {
    const other = virtualService({ hosts: ['a.example'], gateways: ['default/gw'], metadata: ', namespace: team' });
    assert.deepEqual(domains(gateway([httpServer(['./a.example'])]) + other), []);
    assert.deepEqual(domains(gateway([httpServer(['a.example'])]) + other), ['a.example']);
  });
});

describe('Gateways are named as in Istio', () => {
  const cases: [string, string[], boolean][] = [
    ['by short name in the own namespace', ['gw'], true],
    ['by namespace and name', ['default/gw'], true],
    ['by ./name', ['./gw'], true],
    ['by the legacy full name', ['gw.default.svc.cluster.local'], true],
    ['in another namespace', ['team/gw'], false],
    ['mesh alone does not reach the edge', ['mesh'], false],
    ['mesh beside a Gateway does not hurt', ['mesh', 'gw'], true],
  ];
  for (const [title, gateways, served] of cases) {
    test(title, () => {
      const yaml = gateway([httpServer(['*'])]) + virtualService({ hosts: ['a.example'], gateways });
      assert.deepEqual(domains(yaml), served ? ['a.example'] : []);
    });
  }

  test('omitted gateways mean mesh', () => {
    const yaml = gateway([httpServer(['*'])]) + virtualService({ hosts: ['a.example'] }).replace(/gateways: .*/, '');
    assert.deepEqual(domains(yaml), []);
  });
});

test('a Gateway counts only if its selector matches the labels of the appliance; no selector matches all', () => {
  const yaml = gateway([httpServer(['*'])]) + virtualService({ hosts: ['a.example'] });
  assert.deepEqual(domains(yaml, { labels: { istio: 'other' } }), []);
  assert.deepEqual(domains(yaml.replace(/selector: .*/, ''), { labels: { istio: 'other' } }), ['a.example']);
});

test('exportTo keeps a VirtualService from a gateway of another namespace', () => {
  const yaml = (exportTo: string) =>
    gateway([httpServer(['*'])]) + virtualService({ hosts: ['a.example'], spec: `exportTo: [${exportTo}]` });
  assert.deepEqual(domains(yaml('"."')), []);
  assert.deepEqual(domains(yaml('"*"')), ['a.example']);
  assert.deepEqual(domains(yaml('istio-system')), ['a.example']);
});

describe('several VirtualServices on one host', () => {
  const named = (name: string, http: string, metadata = '') =>
    virtualService({ name, hosts: ['a.example'], http, metadata });
  const rule = (name: string, match: string) => `{name: ${name}, match: ${match}, directResponse: {status: 200}}`;
  const server = gateway([httpServer(['*'])]);

  test('are joined by creation time, then name', () => {
    const at = (time: string) => `, creationTimestamp: "${time}"`;
    const result = buildFrom(
      server +
        named('b', `[${rule('older', '[{uri: {prefix: /x}}]')}]`, at('2024-01-01T00:00:00Z')) +
        named('a', `[${rule('newer', '[{uri: {prefix: /x}}]')}]`, at('2025-01-01T00:00:00Z')) +
        named('d', `[${rule('d', '[{uri: {prefix: /y}}]')}]`) +
        named('c', `[${rule('c', '[{uri: {prefix: /y}}]')}]`),
    );
    assert.deepEqual(routesOf(result, `${LISTENER}|a.example`), ['c', 'd', 'older', 'newer']);
  });

  test('rules that take everything go to the end, the others keep their order', () => {
    const result = buildFrom(
      server +
        named('a', `[${rule('a1', '[{uri: {exact: /a}}]')}, {name: a-all, directResponse: {status: 200}}]`) +
        named('b', `[${rule('b-root', '[{uri: {prefix: /}}]')}]`) +
        named(
          'c',
          `[${rule('c1', '[{uri: {prefix: /}, headers: {x: {}}}]')}, ${rule('c-re', '[{uri: {regex: ".*"}}]')}]`,
        ),
    );
    assert.deepEqual(routesOf(result, `${LISTENER}|a.example`), ['a1', 'c1', 'a-all', 'b-root', 'c-re']);
  });

  test('only the block that takes everything moves, not its whole rule', () => {
    const result = buildFrom(
      server +
        named('a', `[${rule('a', '[{uri: {exact: /a}}, {uri: {prefix: /}}]')}]`) +
        named('b', `[${rule('b', '[{uri: {exact: /b}}]')}]`),
    );
    const routes = result.units.virtualHosts[`${LISTENER}|a.example`]?.routes;
    assert.deepEqual(
      routes?.map(({ name, matches }) => [name, matches.map(({ uri }) => uri?.value)]),
      [
        ['a', ['/a']],
        ['b', ['/b']],
        ['a', ['/']],
      ],
    );
    assert.equal(routes?.[0]?.key, routes?.[2]?.key);
  });
});

describe('rules of one VirtualService', () => {
  const build = (http: string, extra = '') =>
    routesOf(
      buildFrom(gateway([httpServer(['*'])]) + extra + virtualService({ hosts: ['a.example'], http })),
      `${LISTENER}|a.example`,
    );
  const rule = (name: string, match: string) => `{name: ${name}, match: ${match}, directResponse: {status: 200}}`;

  test('keep their order; what follows the first that takes everything is not emitted', () => {
    const http = `[${rule('root', '[{uri: {prefix: /}, headers: {x: {}}}]')}, ${rule('one', '[{uri: {exact: /}}]')}, ${rule('all', '[{uri: {prefix: /}}]')}, ${rule('never', '[{uri: {exact: /a}}]')}]`;
    assert.deepEqual(build(http), ['root', 'one', 'all']);
  });

  test('a method or authority condition keeps a rule from taking everything', () => {
    const http = `[${rule('get', '[{uri: {prefix: /}, method: {exact: GET}}]')}, ${rule('host', '[{authority: {exact: b}}]')}, ${rule('rest', '[{uri: {exact: /a}}]')}]`;
    assert.deepEqual(build(http), ['get', 'host', 'rest']);
  });

  test('a block of another port or another Gateway does not count', () => {
    const http = `[${rule('p443', '[{port: 443}]')}, ${rule('other', '[{gateways: [other]}]')}, ${rule('p80', '[{port: 80, uri: {prefix: /a}}, {port: 443}]')}, ${rule('own', '[{gateways: [gw], uri: {prefix: /b}}]')}]`;
    assert.deepEqual(build(http), ['p80', 'own']);
  });

  test('rules have their name as key, else their index; a repeated name is a key once', () => {
    const http = `[${rule('a', '[{uri: {exact: /1}}]')}, {match: [{uri: {exact: /2}}], directResponse: {status: 200}}, ${rule('a', '[{uri: {exact: /3}}]')}]`;
    const { units } = buildFrom(gateway([httpServer(['*'])]) + virtualService({ hosts: ['a.example'], http }));
    const routes = units.virtualHosts[`${LISTENER}|a.example`]?.routes ?? [];
    assert.deepEqual(
      routes.map(({ key, name }) => [key, name]),
      [
        ['default/vs/a', 'a'],
        ['default/vs/1', 'default'],
        ['default/vs/2', 'a'],
      ],
    );
  });
});

test('Gateway ports that share node ports share a listener; match.port is still the port of the server', () => {
  const ports = [
    { gatewayPort: 80, nodePorts: [31380] },
    { gatewayPort: 8080, nodePorts: [31380] },
  ];
  const http = '[{name: on-8080, match: [{port: 8080}], directResponse: {status: 200}}]';
  const yaml = gateway([httpServer(['*'], 8080)]) + virtualService({ hosts: ['a.example'], http });
  const result = buildFrom(yaml, { ports });
  const [route] = result.units.virtualHosts[`${LISTENER}|a.example`]?.routes ?? [];
  assert.equal(route?.name, 'on-8080');
  assert.deepEqual(route?.matches, [{ headers: [], withoutHeaders: [], queryParams: [] }]);
});
