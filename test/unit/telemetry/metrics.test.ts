import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { Cluster } from '#gateway/snapshot/cluster.ts';
import { atOnce } from '#gateway/support/slices.ts';
import { ProxyMetrics } from '#gateway/telemetry/metrics.ts';
import { roleStatistics } from '#gateway/telemetry/process-statistics.ts';
import { ResponseFlag } from '#gateway/telemetry/response-flags.ts';
import { gaugeNames, type Statistics } from '#gateway/telemetry/statistics.ts';
import { writeStatisticsInSteps } from '#gateway/telemetry/statistics-file.ts';
import { temporaryFolder } from '#test/kit/temporary-folder.ts';

const gauges = Object.fromEntries(gaugeNames.map((name) => [name, 0])) as never;

function aCluster(over: Partial<Cluster> = {}): Cluster {
  return {
    key: 'outbound|80|v1|myapp.default.svc.cluster.local',
    host: 'myapp.default.svc.cluster.local',
    port: 80,
    subset: 'v1',
    namespace: 'default',
    serviceName: 'myapp',
    resolution: 'STATIC',
    balancer: 'LEAST_REQUEST',
    connectTimeoutMs: 1000,
    endpoints: [],
    ...over,
  };
}

test('a request is counted under its labels, in the right buckets', () => {
  const metrics = new ProxyMetrics({ namespace: 'istio-system' });
  const destination = metrics.destination(aCluster());
  destination.record(200, ResponseFlag.NONE, 0.4, 0, 90);
  destination.record(200, ResponseFlag.NONE, 30, 1000, 5_000_000);
  destination.record(503, ResponseFlag.UF, 2, 0, 10);
  const { requests: read, commonLabels, durationBoundsMs } = metrics.readings(gauges);
  const requests = [...read];
  assert.equal(requests.length, 2);
  const ok = requests.find((series) => series.labels['response_code'] === '200');
  assert.ok(ok);
  assert.equal(ok.requests, 2);
  assert.equal(ok.labels['destination_service_name'], 'myapp');
  assert.equal(ok.labels['destination_version'], 'v1');
  assert.equal(ok.labels['response_flags'], '-');
  assert.equal(commonLabels['source_workload_namespace'], 'istio-system');
  assert.equal(ok.durationMs.counts.length, durationBoundsMs.length + 1);
  assert.equal(ok.durationMs.counts[0], 1);
  assert.equal(ok.durationMs.counts[durationBoundsMs.indexOf(50)], 1);
  assert.equal(ok.responseBytes.counts.at(-1), 1, 'beyond the last bound');
  assert.equal(ok.requestBytes.counts[durationBoundsMs.indexOf(1000)], 1, 'a bound is inclusive');
  assert.equal(ok.responseBytes.sum, 5_000_090);
  assert.equal(requests.find((series) => series.labels['response_flags'] === 'UF')?.requests, 1);
});

test('status codes that a backend makes up do not multiply series', () => {
  const metrics = new ProxyMetrics({ namespace: 'istio-system' });
  const destination = metrics.destination(aCluster());
  for (let status = 100; status < 1000; status += 1) destination.record(status, 0, 1, 1, 1);
  const requests = [...metrics.readings(gauges).requests];
  assert.ok(requests.length <= 65, `${requests.length} series`);
  assert.equal(
    requests.reduce((sum, series) => sum + series.requests, 0),
    900,
  );
  assert.equal(requests.at(-1)?.labels['response_code'], 'other');
});

test('a destination whose labels are others now counts anew', () => {
  const metrics = new ProxyMetrics({ namespace: 'istio-system' });
  const changes: Partial<Cluster>[] = [
    { host: 'other.default.svc.cluster.local' },
    { serviceName: 'other' },
    { namespace: 'other' },
    { subset: 'v2' },
    { port: 81 },
  ];
  for (const change of changes) {
    const first = metrics.destination(aCluster());
    first.record(200, 0, 1, 1, 1);
    const second = metrics.destination(aCluster(change));
    second.record(200, 0, 1, 1, 1);
    assert.equal(second.export()[0]?.requests, 1, Object.keys(change).join());
    assert.notDeepEqual(second.labels, first.labels);
  }
});

test('a destination keeps its counters over changes of its endpoints and after it left; many that left are forgotten', () => {
  const metrics = new ProxyMetrics({ namespace: 'istio-system' });
  const first = metrics.destination(aCluster());
  first.record(200, 0, 1, 1, 1);
  const endpoints = [{ address: '10.0.0.1', port: 80, weight: 1 }];
  assert.equal(metrics.destination(aCluster({ endpoints })), first);
  metrics.retire(aCluster().key);
  assert.equal([...metrics.readings(gauges).requests].length, 1);
  assert.equal(metrics.destination(aCluster()), first);
  metrics.retire(aCluster().key);
  for (let i = 0; i < 2000; i += 1) {
    metrics.destination(aCluster({ key: `k${i}` })).record(200, 0, 1, 1, 1);
    metrics.retire(`k${i}`);
  }
  assert.equal([...metrics.readings(gauges).requests].length, 512);
});

test('the statistics file of a worker is plain JSON with every series once, also when destinations come and go meanwhile', (context) => {
  const metrics = new ProxyMetrics({ namespace: 'istio-system' });
  const count = (key: string): void => metrics.destination(aCluster({ key })).record(200, 0, 1, 1, 1);
  for (let index = 0; index < 1_000; index += 1) count(`k${index}`);
  metrics.unknownDestination.record(404, ResponseFlag.NR, 0.1, 0, 0);
  const file = path.join(temporaryFolder(context), 'worker.json');
  const own = roleStatistics('worker', { index: 1 });
  const work = writeStatisticsInSteps(file, own, metrics.readings(gauges));
  let steps = 0;
  for (; work.next().done !== true; steps += 1) {
    metrics.retire(`k${steps}`);
    count(`late${steps}`);
  }
  const { proxy, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as Statistics;
  assert.deepEqual(rest, own);
  assert.equal(proxy?.requests.length, 1_001);
  assert.ok(steps > 1_000, 'nobody waits for all of them at once');
  assert.deepEqual({ ...proxy, requests: [] }, { ...metrics.readings(gauges), requests: [] });
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a worker without any traffic has a whole file, too', (context) => {
  const metrics = new ProxyMetrics({ namespace: 'istio-system' });
  const file = path.join(temporaryFolder(context), 'worker.json');
  atOnce(writeStatisticsInSteps(file, roleStatistics('worker', { index: 0 }), metrics.readings(gauges)));
  const { proxy, process } = JSON.parse(readFileSync(file, 'utf8')) as Statistics;
  assert.deepEqual([proxy?.requests, process.residentBytes > 0], [[], true]);
});
