import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OwnFacts, ownRecord } from '#gateway/roles/own-record.ts';

const facts: OwnFacts = {
  node: 'edge-1',
  programVersion: '0.1.0',
  startedAt: 0,
  identity: {
    node: 'edge-1',
    namespace: 'istio-system',
    labels: { istio: 'ingressgateway' },
    ports: [{ gatewayPort: 80, nodePorts: [31_380] }],
    reservedPorts: [{ port: 15_000, purpose: 'the admin API' }],
    connectTimeoutMs: 10_000,
  },
  namespaces: [],
  served: () => undefined,
  snapshotHash: () => '',
  objects: () => 0,
  resourceVersion: () => undefined,
  locality: () => undefined,
};

function comparable(change: Partial<OwnFacts>, identity: Partial<OwnFacts['identity']> = {}): string {
  return ownRecord({ ...facts, ...change, identity: { ...facts.identity, ...identity } })().comparable;
}

test('nodes are compared whose settings and program make the same of the same objects', () => {
  const own = comparable({});
  assert.equal(comparable({ node: 'edge-2', startedAt: 1 }, { node: 'edge-2' }), own);
  assert.equal(comparable({}, { reservedPorts: [], locality: { region: 'r', zone: 'z', subzone: '' } }), own);
  assert.notEqual(comparable({ programVersion: '0.2.0' }), own);
  assert.notEqual(comparable({}, { labels: { istio: 'other' } }), own);
  assert.notEqual(comparable({}, { ports: [{ gatewayPort: 80, nodePorts: [80] }] }), own);
  const some = comparable({ namespaces: ['a', 'b'] });
  assert.notEqual(some, own, 'another part of the cluster is watched');
  assert.equal(comparable({ namespaces: ['b', 'a'] }), some);
});
