import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointRuntime } from '#gateway/proxy/cluster-runtime.ts';
import { DestinationGuard } from '#gateway/proxy/upstream/destination-guard.ts';
import { UpstreamContext } from '#gateway/proxy/upstream/upstream-context.ts';
import { SharedRead } from '#gateway/support/shared-read.ts';
import { TimerWheel } from '#gateway/support/timer-wheel.ts';
import { ProxyMetrics } from '#gateway/telemetry/metrics.ts';

const strict = new DestinationGuard({ allowLoopback: false, ownPorts: [15_000, 15_021] }, () => [
  '10.0.0.5',
  '2001:db8::5',
]);
const loose = new DestinationGuard({ allowLoopback: true, ownPorts: [15_000] }, () => ['10.0.0.5', '2001:db8::5']);

test('link-local addresses are refused in every spelling, whatever the settings', () => {
  for (const address of [
    '169.254.169.254',
    '169.254.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'FEBF::1',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '0:0:0:0:0:ffff:a9fe:a9fe',
  ]) {
    assert.equal(loose.refusal(address, 80), 'link-local address', address);
  }
  assert.equal(loose.refusal('169.253.1.1', 80), undefined);
  assert.equal(loose.refusal('fec0::1', 80), undefined);
});

test('loopback needs the leave of the settings, in every spelling', () => {
  for (const address of [
    '127.0.0.1',
    '127.8.9.10',
    '::1',
    '0:0:0:0:0:0:0:1',
    '0.0.0.0',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '0.1.2.3',
  ]) {
    assert.equal(strict.refusal(address, 80), 'loopback address', address);
    assert.equal(loose.refusal(address, 80), undefined, address);
  }
});

test("this appliance's own ports are refused on loopback and on the node's addresses, and nowhere else", () => {
  for (const address of [
    '127.0.0.1',
    '::1',
    '10.0.0.5',
    '::ffff:10.0.0.5',
    '2001:db8::5',
    '2001:0db8:0::5',
    '0.0.0.0',
  ]) {
    assert.equal(loose.refusal(address, 15_000), 'own port of this gateway', address);
  }
  assert.equal(loose.refusal('10.0.0.6', 15_000), undefined);
  assert.equal(loose.refusal('10.0.0.5', 8080), undefined);
});

test('ordinary destinations pass, and what is no address does not', () => {
  for (const address of ['10.1.2.3', '192.168.0.1', '2001:db8::1', '8.8.8.8'])
    assert.equal(strict.refusal(address, 80), undefined);
  assert.equal(strict.refusal('', 80), 'not an address');
  assert.equal(strict.refusal('example.com', 80), 'not an address');
});

test('an address that comes to this node later is refused to an endpoint that was there before', () => {
  const addresses = ['10.0.0.5'];
  const context = new UpstreamContext({
    wheel: new TimerWheel(),
    read: new SharedRead({ mode: 'data' }),
    guard: new DestinationGuard({ allowLoopback: false, ownPorts: [15_021] }, () => addresses),
    headLimits: { headerBytes: 1_000, targetBytes: 1_000, headerCount: 10 },
    counters: new ProxyMetrics({ namespace: 'istio-system' }).counters,
    idlePerEndpoint: 1,
    idleMs: 1_000,
    report: (error) => assert.ifError(error),
  });
  const endpoint = new EndpointRuntime(context, { address: '10.0.0.9', port: 15_021, weight: 1 }, 1_000);
  assert.equal(endpoint.pool.refusal, undefined);
  addresses.push('10.0.0.9');
  assert.equal(endpoint.pool.refusal, 'own port of this gateway');
});
