import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressPort, clientAddress, clientKey, plainAddress } from '#gateway/proxy/filter/client-address.ts';
import { requestId } from '#gateway/support/request-id.ts';

test('IPv4 in IPv6 clothes is IPv4; zones are dropped', () => {
  assert.equal(plainAddress('::ffff:10.1.2.3'), '10.1.2.3');
  assert.equal(plainAddress('10.1.2.3'), '10.1.2.3');
  assert.equal(plainAddress('::ffff:zz'), '::ffff:zz');
  assert.equal(plainAddress('fe80::1%eth0'), 'fe80::1');
});

test('the client behind N trusted proxies is the Nth address from the right; doubts lead to the peer', () => {
  assert.equal(clientAddress('9.9.9.9', '1.1.1.1, 2.2.2.2', 0), '9.9.9.9');
  assert.equal(clientAddress('9.9.9.9', '1.1.1.1, 2.2.2.2', 1), '2.2.2.2');
  assert.equal(clientAddress('9.9.9.9', '1.1.1.1, 2.2.2.2', 2), '1.1.1.1');
  assert.equal(clientAddress('9.9.9.9', '1.1.1.1, 2.2.2.2', 3), '9.9.9.9');
  assert.equal(clientAddress('9.9.9.9', '', 1), '9.9.9.9');
  assert.equal(clientAddress('9.9.9.9', 'unknown', 1), '9.9.9.9');
  assert.equal(clientAddress('9.9.9.9', '::ffff:3.3.3.3', 1), '3.3.3.3');
});

test('an IPv6 client counts by its /64', () => {
  assert.equal(clientKey('10.0.0.1'), '10.0.0.1');
  assert.equal(clientKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  assert.equal(clientKey('2001:db8:1:2::9'), '2001:db8:1:2::/64');
  assert.equal(clientKey('2001:db8::1'), '2001:db8:0:0::/64');
  assert.equal(clientKey('::1'), '0:0:0:0::/64');
});

test('addresses with ports read as in URLs', () => {
  assert.equal(addressPort('10.0.0.1', 80), '10.0.0.1:80');
  assert.equal(addressPort('::1', 80), '[::1]:80');
});

test('request ids are UUIDs, each once', () => {
  const ids = new Set(Array.from({ length: 10_000 }, requestId));
  assert.equal(ids.size, 10_000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
