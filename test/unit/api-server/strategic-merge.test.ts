import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { applyStrategicMerge } from '#test/kit/api-server/patch/strategic-merge.ts';

describe('the test API server applies strategic merge patches as kubectl makes them', () => {
  const service = {
    spec: {
      ports: [
        { port: 80, name: 'http' },
        { port: 443, name: 'https' },
      ],
    },
  };

  it('merges list items by their key, and appends new ones', () => {
    const patch = {
      spec: {
        ports: [
          { port: 443, targetPort: 8443 },
          { port: 8080, name: 'more' },
        ],
      },
    };
    assert.deepEqual(applyStrategicMerge(service, patch), {
      spec: {
        ports: [
          { port: 80, name: 'http' },
          { port: 443, name: 'https', targetPort: 8443 },
          { port: 8080, name: 'more' },
        ],
      },
    });
  });

  it('removes an item by $patch: delete', () => {
    const patch = { spec: { ports: [{ $patch: 'delete', port: 80 }] } };
    assert.deepEqual(applyStrategicMerge(service, patch), { spec: { ports: [{ port: 443, name: 'https' }] } });
  });

  it('orders items by $setElementOrder', () => {
    const patch = { spec: { '$setElementOrder/ports': [{ port: 443 }, { port: 80 }] } };
    const merged = applyStrategicMerge(service, patch) as typeof service;
    assert.deepEqual(
      merged.spec.ports.map((port) => port.port),
      [443, 80],
    );
  });

  it('replaces lists without a key, and the whole by $patch: replace', () => {
    const endpoints = { subsets: [{ addresses: [{ ip: '10.0.0.1' }] }] };
    assert.deepEqual(applyStrategicMerge(endpoints, { subsets: [] }), { subsets: [] });
    assert.deepEqual(applyStrategicMerge({ a: 1, b: 2 }, { $patch: 'replace', c: 3 }), { c: 3 });
  });

  it('adds to finalizers, removes by $deleteFromPrimitiveList, and keeps only $retainKeys', () => {
    const object = { metadata: { finalizers: ['a', 'b'] } };
    assert.deepEqual(applyStrategicMerge(object, { metadata: { finalizers: ['c'] } }), {
      metadata: { finalizers: ['a', 'b', 'c'] },
    });
    const removal = { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } };
    assert.deepEqual(applyStrategicMerge(object, removal), { metadata: { finalizers: ['b'] } });
    const retain = { spec: { $retainKeys: ['type'], type: 'Recreate' } };
    assert.deepEqual(applyStrategicMerge({ spec: { type: 'Rolling', rolling: {} } }, retain), {
      spec: { type: 'Recreate' },
    });
  });
});
