import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slimEndpointSlice, slimPod, slimSecret, slimWritten } from '#gateway/control/source/kubernetes/slim.ts';

const metadata = {
  name: 'a',
  namespace: 'default',
  uid: '1',
  resourceVersion: '7',
  managedFields: [{}],
  labels: { app: 'a', 'kubernetes.io/service-name': 'a' },
};

test('of a slice what goes without saying is left out, and what is not ready keeps its conditions', () => {
  const ref = { kind: 'Pod', name: 'a-1', namespace: 'default', uid: '2' };
  const unready = { ready: false, serving: true, terminating: true };
  const slim = slimEndpointSlice({
    metadata,
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['10.1.0.1'], conditions: { ready: true, serving: true }, targetRef: ref, nodeName: 'n', zone: 'z' },
      { addresses: ['10.1.0.2'], conditions: { ready: null }, targetRef: { ...ref, namespace: 'other' } },
      { addresses: ['10.1.0.3'], conditions: unready },
    ],
    ports: [{ name: 'http', port: 80, protocol: 'TCP', appProtocol: 'http' }],
  });
  assert.deepEqual(slim, {
    metadata: { name: 'a', namespace: 'default', labels: { 'kubernetes.io/service-name': 'a' } },
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['10.1.0.1'], targetRef: { kind: 'Pod', name: 'a-1' } },
      { addresses: ['10.1.0.2'], targetRef: { kind: 'Pod', name: 'a-1', namespace: 'other' } },
      { addresses: ['10.1.0.3'], conditions: unready },
    ],
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  });
});

test('of a Pod labels, address, readiness and the traces of a sidecar are kept', () => {
  const slim = slimPod({
    metadata: { ...metadata, annotations: { 'sidecar.istio.io/status': '{"long":"json"}', other: 'x' } },
    spec: {
      nodeName: 'n',
      containers: [{ name: 'app', env: [{ name: 'TOKEN', value: 's3cret' }] }, { name: 'istio-proxy' }],
    },
    status: {
      podIP: '10.1.0.1',
      phase: 'Running',
      hostIP: 'x',
      conditions: [{ type: 'Ready', status: 'True', reason: 'r' }, { type: 'X' }],
    },
  });
  assert.deepEqual(slim, {
    metadata: {
      name: 'a',
      namespace: 'default',
      labels: metadata.labels,
      annotations: { 'sidecar.istio.io/status': 'true' },
    },
    spec: { containers: [{ name: 'app' }, { name: 'istio-proxy' }], initContainers: [] },
    status: { podIP: '10.1.0.1', phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });
});

test('of a Secret only certificates are kept, and of what people write everything but what the server adds', () => {
  const data = { 'tls.crt': 'Yw==', 'tls.key': 'aw==', password: 'cw==' };
  assert.deepEqual(slimSecret({ metadata, type: 'Opaque', data })['data'], { 'tls.crt': 'Yw==', 'tls.key': 'aw==' });
  const written = slimWritten({ metadata, spec: { hosts: ['a'] }, status: { conditions: [] } });
  const { managedFields: _managed, ...rest } = metadata;
  assert.deepEqual(written, { metadata: rest, spec: { hosts: ['a'] } });
});

test('a list or object where none belongs is no reason to fail', () => {
  for (const value of [null, 'x', 7, [], {}])
    for (const slim of [slimEndpointSlice, slimPod, slimSecret])
      assert.doesNotThrow(() =>
        slim({ metadata: value, spec: value, status: value, endpoints: value, data: value, ports: value }),
      );
});
