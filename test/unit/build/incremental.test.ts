import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBuilder } from '#gateway/control/build/builder.ts';
import type { Resource, ResourceKey } from '#gateway/control/resource/resource.ts';
import { diffUnits } from '#gateway/snapshot/diff.ts';
import { gateway, httpServer, IDENTITY, pod, resourcesFrom, service, virtualService } from './from-yaml.ts';
import { edited, edits } from './small-world.ts';

test('building one change after the other gives, byte for byte, what building it all at once gives', () => {
  fc.assert(
    fc.property(edits, (steps) => {
      const builder = createBuilder();
      let resources = new Map<ResourceKey, Resource>();
      for (const { put, remove } of steps) {
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
