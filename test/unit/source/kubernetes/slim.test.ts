import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  slimEndpointSlice,
  slimNode,
  slimPod,
  slimSecret,
  slimService,
  slimWritten,
} from '#gateway/control/source/kubernetes/slim.ts';

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
      { addresses: ['10.1.0.3'], conditions: unready, hints: { forZones: [{ name: 'z' }] } },
    ],
    ports: [{ name: 'http', port: 80, protocol: 'TCP', appProtocol: 'http' }],
  });
  assert.deepEqual(slim, {
    metadata: { name: 'a', namespace: 'default', labels: { 'kubernetes.io/service-name': 'a' } },
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['10.1.0.1'], nodeName: 'n', zone: 'z', targetRef: { kind: 'Pod', name: 'a-1' } },
      { addresses: ['10.1.0.2'], targetRef: { kind: 'Pod', name: 'a-1', namespace: 'other' } },
      { addresses: ['10.1.0.3'], conditions: unready, hints: { forZones: [{ name: 'z' }] } },
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
    spec: { nodeName: 'n', containers: [{ name: 'app' }, { name: 'istio-proxy' }], initContainers: [] },
    status: { podIP: '10.1.0.1', phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });
});

test('of a Node its place, its address and whether it serves are kept, so that a heartbeat changes nothing', () => {
  const node = (heartbeat: string, labels = {}) =>
    slimNode({
      metadata: { ...metadata, resourceVersion: heartbeat, labels: { 'topology.kubernetes.io/zone': 'z', ...labels } },
      spec: { podCIDR: '10.1.0.0/24', taints: [{ key: 'other' }] },
      status: {
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: heartbeat }, { type: 'DiskPressure' }],
        images: [{ names: [heartbeat] }],
      },
    });
  assert.deepEqual(node('1'), {
    metadata: { name: 'a', labels: { 'topology.kubernetes.io/zone': 'z' } },
    status: {
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  });
  assert.deepEqual(node('2', { other: 'x' }), node('1'));
  assert.notDeepEqual(node('1', { 'topology.kubernetes.io/region': 'r' }), node('1'));
  const leaving = slimNode({ metadata, spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', value: 'x' }] } });
  assert.deepEqual(leaving['spec'], { taints: [{ key: 'ToBeDeletedByClusterAutoscaler' }] });
});

test('of a Service what says where its traffic goes is kept', () => {
  const annotations = {
    'service.kubernetes.io/topology-mode': 'Auto',
    'networking.istio.io/traffic-distribution': 'PreferClose',
    other: 'x',
  };
  const spec = {
    externalTrafficPolicy: 'Local',
    internalTrafficPolicy: 'Local',
    trafficDistribution: 'PreferSameZone',
  };
  const slim = slimService({ metadata: { ...metadata, annotations }, spec: { ...spec, sessionAffinity: 'None' } });
  const { other: _other, ...kept } = annotations;
  assert.deepEqual(slim['spec'], spec);
  assert.deepEqual((slim['metadata'] as { annotations?: unknown }).annotations, kept);
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
    for (const slim of [slimEndpointSlice, slimNode, slimPod, slimSecret, slimService])
      assert.doesNotThrow(() =>
        slim({ metadata: value, spec: value, status: value, endpoints: value, data: value, ports: value }),
      );
});
