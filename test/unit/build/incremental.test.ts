import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBuilder } from '#gateway/control/build/builder.ts';
import { type Resource, type ResourceKey, resourceKey } from '#gateway/control/resource/resource.ts';
import { diffUnits } from '#gateway/snapshot/diff.ts';
import { gateway, httpServer, IDENTITY, pod, resourcesFrom, service, virtualService } from './from-yaml.ts';

/** A small world: objects of few names, so that edits touch each other. */
const names = fc.constantFrom('a', 'b', 'c');
const version = fc.constantFrom('v1', 'v2');
const objects: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(
      names,
      fc.subarray(['*', '*.example', 'a.example', 'default/b.example'], { minLength: 1 }),
      fc.boolean(),
      fc.constantFrom(80, 443, 8080),
    )
    .map(([name, hosts, redirect, port]) =>
      gateway([httpServer(hosts, port, redirect ? ', tls: {httpsRedirect: true}' : '')], name),
    ),
  fc
    .tuple(
      names,
      fc.subarray(['*', '*.example', 'a.example', 'b.example'], { minLength: 1 }),
      fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
      names,
      fc.option(version),
      fc.constantFrom('', 'match: [{uri: {prefix: /x}}], '),
    )
    .map(([name, hosts, gateways, host, subset, match]) =>
      virtualService({
        name,
        hosts,
        gateways,
        http: `[{${match}route: [{destination: {host: ${host}${subset ? `, subset: ${subset}` : ''}}}]}]`,
      }),
    ),
  fc.tuple(names, names).map(([name, app]) => service(name, `{app: ${app}}`)),
  fc
    .tuple(names, names, version, fc.constantFrom('10.0.0.1', '10.0.0.2'), fc.constantFrom('True', 'False'))
    .map(([name, app, label, ip, ready]) =>
      pod(name, ip, `{app: ${app}, version: ${label}}`, '{name: c, image: i}', ready),
    ),
  fc.tuple(names, names, version, version).map(
    ([name, host, subset, label]) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}}
spec: {host: ${host}, subsets: [{name: ${subset}, labels: {version: ${label}}}]}
---`,
  ),
  fc.tuple(names, names, fc.constantFrom('10.0.0.1', '10.0.0.3')).map(
    ([name, of, ip]) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, labels: {kubernetes.io/service-name: ${of}}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [${ip}], conditions: {ready: true}}]
---`,
  ),
);
const edit = fc.record({ put: fc.array(objects, { maxLength: 4 }), remove: fc.array(fc.nat(30), { maxLength: 2 }) });

test('building one change after the other gives, byte for byte, what building it all at once gives', () => {
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 10 }), (edits) => {
      const builder = createBuilder();
      let resources = new Map<ResourceKey, Resource>();
      for (const { put, remove } of edits) {
        resources = edited(resources, put, remove);
        const step = builder.build({ resources, gateway: IDENTITY });
        const reversed = new Map([...resources].reverse());
        const fresh = createBuilder().build({ resources: reversed, gateway: IDENTITY });
        assert.equal(JSON.stringify(step), JSON.stringify(fresh));
      }
    }),
    { numRuns: 150 },
  );
});

test('a change touches the units that depend on it; the others are the same objects', () => {
  const base = resourcesFrom(
    gateway([httpServer(['*'])]) +
      ['a', 'b']
        .map(
          (name) =>
            virtualService({ name, hosts: [`${name}.example`], http: `[{route: [{destination: {host: ${name}}}]}]` }) +
            service(name, `{app: ${name}}`) +
            pod(name, '10.0.0.1', `{app: ${name}}`),
        )
        .join(''),
  );
  const builder = createBuilder();
  const first = builder.build({ resources: base, gateway: IDENTITY });
  const moved = new Map([...base, ...resourcesFrom(pod('a', '10.0.0.9', '{app: a}'))]);
  const second = builder.build({ resources: moved, gateway: IDENTITY });
  assert.equal(second.units.virtualHosts, first.units.virtualHosts);
  assert.equal(second.units.listeners, first.units.listeners);
  const { set } = diffUnits(first.units, second.units);
  assert.deepEqual(Object.keys(set.clusters), ['outbound|80||a.default.svc.cluster.local']);
  const b = 'outbound|80||b.default.svc.cluster.local';
  assert.equal(second.units.clusters[b], first.units.clusters[b]);
  assert.ok(Object.isFrozen(second.units.clusters[b]?.endpoints));
});

test('an object that is written again with the same content changes nothing', () => {
  const yaml = gateway([httpServer(['*'])]) + virtualService({ hosts: ['a.example'] }) + service('a', '{app: a}');
  const builder = createBuilder();
  const first = builder.build({ resources: resourcesFrom(yaml), gateway: IDENTITY });
  const second = builder.build({ resources: resourcesFrom(yaml), gateway: IDENTITY });
  assert.equal(second.units.virtualHosts, first.units.virtualHosts);
  assert.equal(second.units.listeners, first.units.listeners);
});

function edited(
  resources: ReadonlyMap<ResourceKey, Resource>,
  put: readonly string[],
  remove: readonly number[],
): Map<ResourceKey, Resource> {
  const next = new Map(resources);
  for (const index of remove) next.delete([...next.keys()][index % Math.max(next.size, 1)] ?? '');
  for (const yaml of put)
    for (const resource of resourcesFrom(yaml).values()) next.set(resourceKey(resource), resource);
  return next;
}
