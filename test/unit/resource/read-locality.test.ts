import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localityOfPod, parseLocality } from '#gateway/control/resource/core/locality.ts';
import { coversLocality } from '#gateway/control/resource/istio/locality-pattern.ts';
import { brief, readOne } from './reading.ts';

function rule(setting: string, outlier = 'outlierDetection: {}, '): string[] {
  const { problems } = readOne(
    `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: x}\nspec:\n  host: a\n  trafficPolicy: {${outlier}loadBalancer: {localityLbSetting: ${setting}}}\n`,
  );
  return brief(problems.filter(({ code }) => code !== 'MG0202')).map((line) => line.replace(/^\S+ /, ''));
}

const inside = 'spec.trafficPolicy.loadBalancer.localityLbSetting';

test('a locality is written with slashes, on a Pod with dots', () => {
  assert.deepEqual(parseLocality('r/z/s'), { region: 'r', zone: 'z', subzone: 's' });
  assert.deepEqual(parseLocality('r'), { region: 'r', zone: '', subzone: '' });
  assert.equal(parseLocality(''), undefined);
  assert.deepEqual(localityOfPod({ 'istio-locality': 'r.z.s' }), { region: 'r', zone: 'z', subzone: 's' });
  assert.equal(localityOfPod({ 'istio-locality': 'old', 'topology.istio.io/locality': 'new' })?.region, 'new');
  assert.equal(localityOfPod({}), undefined);
});

test('a pattern covers what begins as it does', () => {
  for (const pattern of ['*', 'r', 'r/*', 'r/z', 'r/z/*', 'r/z/s'])
    assert.ok(coversLocality(pattern, 'r/z/s'), pattern);
  for (const pattern of ['q', 'r/y', 'r/z/t', 'r/z/s/u']) assert.ok(!coversLocality(pattern, 'r/z/s'), pattern);
  assert.ok(coversLocality('*', ''));
  assert.ok(!coversLocality('r/z', 'r'));
});

test('what would share out or fail over in two ways, or to nowhere, is refused at its place', () => {
  const table: readonly [string, string[]][] = [
    ['{distribute: [{from: a/*, to: {"a/1": 80, "a/2": 20}}]}', []],
    ['{failover: [{from: a, to: b}], failoverPriority: [x]}', []],
    ['{failoverPriority: [topology.kubernetes.io/zone]}', []],
    ['{distribute: [{from: a, to: {"a/1": 80}}]}', [`error IST0106 ${inside}.distribute[0]`]],
    ['{distribute: [{from: a, to: {"a/*": 50, "a/2": 50}}]}', [`error IST0106 ${inside}.distribute[0]`]],
    ['{distribute: [{from: a, to: {"*": 100}}], failover: [{from: a, to: b}]}', [`error IST0106 ${inside}.failover`]],
    ['{failover: [{from: a, to: a}]}', [`error IST0106 ${inside}.failover[0]`]],
    ['{enable: true}', [`error MG0201 ${inside}.enable`]],
  ];
  for (const [setting, problems] of table) assert.deepEqual(rule(setting), problems, setting);
});

test('failover without outlierDetection has no effect, and says so', () => {
  assert.deepEqual(rule('{failover: [{from: a, to: b}]}', ''), [`warning IST0133 ${inside}`]);
  assert.deepEqual(rule('{distribute: [{from: a, to: {"*": 100}}]}', ''), []);
});
