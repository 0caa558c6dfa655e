import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { readObject } from '#gateway/control/resource/read-object.ts';
import { unhonoured } from '#gateway/control/resource/unhonoured.ts';
import { plainDocument } from '#gateway/control/resource/yaml-documents.ts';
import { requires, sharedDir } from '../../kit/require.ts';
import { honoured, withoutEffect } from './honoured.ts';

const kinds = {
  Gateway: 'gateways.networking.istio.io',
  VirtualService: 'virtualservices.networking.istio.io',
  DestinationRule: 'destinationrules.networking.istio.io',
  ServiceEntry: 'serviceentries.networking.istio.io',
} as const;

function read(kind: string, spec: unknown, strictness: 'folder' | 'cluster' = 'folder') {
  const value = { apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'x' }, spec };
  return readObject(plainDocument(value, 'test'), { defaultNamespace: 'default', strictness });
}

for (const [kind, fields] of Object.entries(honoured))
  describe(`${kind}: honoured fields`, () => {
    for (const [field, [a, b]] of fields)
      test(`${field} changes what is read`, () => {
        const [first, second] = [read(kind, a), read(kind, b)];
        assert.ok(first.resource, JSON.stringify(first.problems));
        assert.ok(second.resource, JSON.stringify(second.problems));
        assert.notDeepEqual(first.resource.spec, second.resource.spec);
      });
  });

describe('fields that are not honoured yet', () => {
  for (const [kind, table] of Object.entries(unhonoured))
    test(`of a ${kind} each raise the warning MG0202 at their place`, () => {
      for (const pattern of table.keys()) {
        const field = pattern.slice('spec.'.length);
        const warnings = read(kind, specWith(field)).problems.filter(({ code }) => code === 'MG0202');
        assert.deepEqual(
          warnings.map((problem) => problem.field),
          [pattern.replaceAll('[]', '[0]')],
        );
        assert.match(warnings[0]?.message ?? '', /^"\w+" is known but not honoured yet: .+\.$/);
      }
    });
});

test('values of fields that are not honoured yet are checked all the same; a cluster has taken them already', () => {
  const rule = (value: object) => ({
    hosts: ['a.example'],
    http: [{ route: [{ destination: { host: 'a' } }], ...value }],
  });
  const policy = (trafficPolicy: object) => ({ host: 'a', trafficPolicy });
  const table: readonly [string, unknown, string][] = [
    ['VirtualService', rule({ retries: { attempts: -1 } }), 'spec.http[0].retries.attempts'],
    ['VirtualService', rule({ retries: { attempts: 2, perTryTimeout: 2 } }), 'spec.http[0].retries.perTryTimeout'],
    [
      'VirtualService',
      rule({ fault: { abort: { httpStatus: 500, percentage: { value: 150 } } } }),
      'spec.http[0].fault.abort.percentage.value',
    ],
    ['VirtualService', rule({ fault: { delay: { fixedDelay: 'soon' } } }), 'spec.http[0].fault.delay.fixedDelay'],
    ['VirtualService', rule({ mirrorPercentage: { value: -1 } }), 'spec.http[0].mirrorPercentage.value'],
    ['VirtualService', rule({ corsPolicy: { maxAge: 'day' } }), 'spec.http[0].corsPolicy.maxAge'],
    [
      'DestinationRule',
      policy({ outlierDetection: { maxEjectionPercent: 200 } }),
      'spec.trafficPolicy.outlierDetection.maxEjectionPercent',
    ],
    [
      'DestinationRule',
      policy({ connectionPool: { tcp: { maxConnections: 'many' } } }),
      'spec.trafficPolicy.connectionPool.tcp.maxConnections',
    ],
    [
      'DestinationRule',
      policy({ connectionPool: { http: { h2UpgradePolicy: 'YES' } } }),
      'spec.trafficPolicy.connectionPool.http.h2UpgradePolicy',
    ],
  ];
  for (const [kind, spec, field] of table) {
    const flaws = (strictness: 'folder' | 'cluster') =>
      read(kind, spec, strictness)
        .problems.filter(({ code }) => code !== 'MG0202')
        .map((problem) => `${problem.severity} ${problem.code} ${problem.field}`);
    assert.deepEqual(flaws('folder'), [`error IST0106 ${field}`]);
    assert.deepEqual(flaws('cluster'), [`warning IST0133 ${field}`]);
    assert.ok(read(kind, spec, 'cluster').resource);
  }
  const good = rule({
    retries: { attempts: 0 },
    fault: { delay: { percentage: { value: 0.1 }, fixedDelay: '5s' } },
    mirrorPercent: null,
  });
  assert.deepEqual(
    read('VirtualService', good).problems.filter(({ code }) => code !== 'MG0202'),
    [],
  );
});

describe("every field of Istio's", { skip: requires({ shared: true }) }, () => {
  for (const [kind, name] of Object.entries(kinds))
    test(`${kind} is honoured, or raises a warning that names it`, () => {
      const all = JSON.parse(readFileSync(path.join(sharedDir, 'reference/istio-fields.json'), 'utf8')) as Record<
        string,
        string[]
      >;
      const missing = (all[name] ?? []).filter((field) => !isHonoured(kind, field) && !warns(kind, field));
      assert.deepEqual(missing, []);
      assert.ok((all[name]?.length ?? 0) > 20);
    });
});

/** Listed itself, or a step on the way to a field that is. */
function isHonoured(kind: string, field: string): boolean {
  if (withoutEffect.has(`${kind} ${field}`))
    return read(kind, specWith(field)).problems.every(({ code }) => code !== 'MG0201');
  for (const listed of honoured[kind]?.keys() ?? [])
    if (
      listed === field ||
      listed.startsWith(`${field}.`) ||
      listed.startsWith(`${field}[]`) ||
      listed.startsWith(`${field}{}`)
    )
      return true;
  return false;
}

/** Raises a warning for the field or for a parent of it, and no error that it is unknown. */
function warns(kind: string, field: string): boolean {
  const codes = read(kind, specWith(field)).problems.map(({ code }) => code);
  return codes.includes('MG0202') && !codes.includes('MG0201');
}

/** The smallest spec that holds a field: `a[].b` -> `{a: [{b: 'x'}]}`. */
function specWith(field: string): unknown {
  const dot = field.indexOf('.');
  const [step, rest] = dot === -1 ? [field, undefined] : [field.slice(0, dot), field.slice(dot + 1)];
  const value = rest === undefined ? 'x' : specWith(rest);
  if (step.endsWith('[]')) return { [step.slice(0, -2)]: [value] };
  if (step.endsWith('{}')) return { [step.slice(0, -2)]: { name: value } };
  return { [step]: value };
}
