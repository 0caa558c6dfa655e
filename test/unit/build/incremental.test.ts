import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBuilder } from '#gateway/control/build/builder.ts';
import type { Resource, ResourceKey } from '#gateway/control/resource/resource.ts';
import { diffUnits } from '#gateway/snapshot/diff.ts';
import { gateway, httpServer, IDENTITY, pod, resourcesFrom, service, virtualService } from './from-yaml.ts';
import { edited, edits } from './small-world.ts';

const AT_A = { ...IDENTITY, node: 'a' };

test('building one change after the other gives, byte for byte, what building it all at once gives', () => {
  fc.assert(
    fc.property(edits, (steps) => {
      const builder = createBuilder();
      let resources = new Map<ResourceKey, Resource>();
      for (const { put, remove } of steps) {
        resources = edited(resources, put, remove);
        const step = builder.build({ resources, gateway: AT_A });
        const reversed = new Map([...resources].reverse());
        const fresh = createBuilder().build({ resources: reversed, gateway: AT_A });
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

test('a Node touches the clusters that go by nearness and have an endpoint on it, and no other', () => {
  const node = (name: string, zone: string) =>
    resourcesFrom(
      `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}, labels: {topology.kubernetes.io/zone: ${zone}}}\n`,
    );
  const on = (name: string, ip: string, where: string) =>
    pod(name, ip, `{app: ${name.slice(0, 1)}}`).replace('spec: {', `spec: {nodeName: ${where}, `);
  const base = new Map([
    ...resourcesFrom(
      gateway([httpServer(['*'])]) +
        ['a', 'b', 'c']
          .map(
            (name) =>
              virtualService({
                name,
                hosts: [`${name}.example`],
                http: `[{route: [{destination: {host: ${name}}}]}]`,
              }) +
              service(name, `{app: ${name}}`) +
              on(`${name}-1`, `10.0.${name.charCodeAt(0)}.1`, 'node-1') +
              on(`${name}-2`, `10.0.${name.charCodeAt(0)}.2`, name === 'b' ? 'node-3' : 'node-2') +
              (name === 'c'
                ? ''
                : `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}}
spec: {host: ${name}, trafficPolicy: {outlierDetection: {}}}
---`),
          )
          .join(''),
    ),
    ...node('node-1', 'east'),
    ...node('node-2', 'east'),
    ...node('node-3', 'east'),
  ]);
  const builder = createBuilder();
  const identity = { ...IDENTITY, node: 'node-1' };
  const first = builder.build({ resources: base, gateway: identity });
  const moved = new Map([...base, ...node('node-2', 'west')]);
  const second = builder.build({ resources: moved, gateway: identity });
  const { set } = diffUnits(first.units, second.units);
  assert.deepEqual(Object.keys(set.clusters), ['outbound|80||a.default.svc.cluster.local']);
});

test('of two Gateways that redirect one name the older counts, whichever came first', () => {
  const tls = (port: number): string =>
    `{port: {number: ${port}, name: https, protocol: HTTPS}, hosts: ["*"], tls: {mode: SIMPLE, credentialName: c}}`;
  const redirecting = (name: string, port: number, created: string): string =>
    gateway(
      [httpServer(['a.example'], 80, ', tls: {httpsRedirect: true}'), tls(port)],
      name,
      `, creationTimestamp: "2026-01-0${created}T00:00:00Z"`,
    );
  const [older, newer] = [resourcesFrom(redirecting('b', 8443, '1')), resourcesFrom(redirecting('a', 9443, '2'))];
  for (const first of [older, newer]) {
    const builder = createBuilder();
    builder.build({ resources: first, gateway: IDENTITY });
    const { units } = builder.build({ resources: new Map([...newer, ...older]), gateway: IDENTITY });
    assert.deepEqual(units.virtualHosts['http.31380|a.example']?.httpsRedirect, { ports: { 31380: 8443 } });
  }
});

test('an object that is written again with the same content changes nothing', () => {
  const yaml = gateway([httpServer(['*'])]) + virtualService({ hosts: ['a.example'] }) + service('a', '{app: a}');
  const builder = createBuilder();
  const first = builder.build({ resources: resourcesFrom(yaml), gateway: IDENTITY });
  const second = builder.build({ resources: resourcesFrom(yaml), gateway: IDENTITY });
  assert.equal(second.units.virtualHosts, first.units.virtualHosts);
  assert.equal(second.units.listeners, first.units.listeners);
});
