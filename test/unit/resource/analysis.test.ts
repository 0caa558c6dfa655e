import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnalyzeOptions } from '#gateway/control/resource/analyze/options.ts';
import { Analysis, analyze } from '#gateway/control/resource/analyze.ts';
import { Catalog } from '#gateway/control/resource/catalog/catalog.ts';
import type { Resource, ResourceKey } from '#gateway/control/resource/resource.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import { makeCa } from '../../kit/certificates.ts';
import { resourcesFrom } from '../build/from-yaml.ts';
import { edited, edits } from '../build/small-world.ts';

const options: AnalyzeOptions = { gatewayNamespace: 'istio-system', scope: 'whole' };

function sorted(problems: Iterable<Problem>): string[] {
  return [...problems].map((problem) => JSON.stringify(problem)).sort();
}

function changes(before: ReadonlyMap<ResourceKey, Resource>, after: ReadonlyMap<ResourceKey, Resource>) {
  const gone = [...before.keys()].filter((key) => !after.has(key));
  return [...after, ...gone.map((key): [ResourceKey, undefined] => [key, undefined])];
}

test('looking at one change after the other finds what looking at everything at once finds', () => {
  fc.assert(
    fc.property(edits, (steps) => {
      const catalog = new Catalog();
      const analysis = new Analysis(catalog, options);
      let resources = new Map<ResourceKey, Resource>();
      const told: Problem[] = [];
      for (const { put, remove } of steps) {
        const next = edited(resources, put, remove);
        for (const { before, after } of analysis.update(catalog.update(changes(resources, next)), 0)) {
          for (const problem of before ?? []) told.splice(told.indexOf(problem), 1);
          told.push(...(after ?? []));
        }
        resources = next;
        const fresh = analyze(resources.values(), { ...options, now: 0 });
        assert.deepEqual(sorted(analysis.findings()), sorted(fresh));
        assert.deepEqual(sorted(told), sorted(fresh), 'the changes add up to the same');
      }
    }),
    { numRuns: 150 },
  );
});

test('a certificate that expires is found by the time alone', async () => {
  const { certificatePem, privateKeyPem, notAfter } = await (await makeCa()).issue({ names: ['a.example'] });
  const data = JSON.stringify({ 'tls.crt': certificatePem, 'tls.key': privateKeyPem });
  const resources = resourcesFrom(
    `{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: gw}, spec: {servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.example], tls: {mode: SIMPLE, credentialName: cert}}]}}`,
    `{apiVersion: v1, kind: Secret, metadata: {name: cert}, stringData: ${data}}`,
  );
  const catalog = new Catalog();
  const analysis = new Analysis(catalog, options);
  assert.deepEqual(analysis.update(catalog.update(resources), notAfter), []);
  assert.deepEqual(analysis.update(catalog.update([]), notAfter), []);
  const [expired] = analysis.update(catalog.update([]), notAfter + 1);
  assert.deepEqual(
    expired?.after?.map(({ code }) => code),
    ['MG0306'],
  );
  assert.deepEqual(analysis.update(catalog.update([]), notAfter + 2), [], 'it is said once');
});
