import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Statistics as MetricsInput } from '../../../admin/metrics/input.ts';
import { startMetrics } from '../../../admin/metrics/server.ts';
import { roleStatistics } from '../../../gateway/telemetry/process-statistics.ts';
import { counterNames, gaugeNames, type Statistics } from '../../../gateway/telemetry/statistics.ts';
import { eventually } from '../../kit/eventually.ts';
import { requires } from '../../kit/require.ts';
import { recordingLog, temporaryDir } from './admin-kit.ts';
import { FakeBackend } from './fake-backend.ts';

type WorkerFacts = {
  readonly index: number;
  readonly pid: number;
  readonly requests: number;
  readonly startTimeSeconds?: number;
};

/** What a worker that has handled `requests` requests would write: each of 3 ms, 10 bytes in, 2000 out. */
function worker({ index, pid, requests, startTimeSeconds = 1_000 }: WorkerFacts): Statistics {
  return {
    ...roleStatistics('worker', { index }),
    process: { ...roleStatistics('worker').process, pid, startTimeSeconds },
    proxy: {
      commonLabels: { reporter: 'source', source_workload: 'mesh-gateway' },
      durationBoundsMs: [1, 5, 10],
      sizeBoundsBytes: [100, 1000],
      requests: [
        {
          labels: {
            destination_service: 'myapp.default.svc.cluster.local',
            response_code: '200',
            response_flags: '-',
            odd: 'a"b\\c\nd',
          },
          requests,
          durationMs: { sum: requests * 3, counts: [0, requests, 0, 0] },
          requestBytes: { sum: requests * 10, counts: [requests, 0, 0] },
          responseBytes: { sum: requests * 2_000, counts: [0, 0, requests] },
        },
      ],
      counters: Object.fromEntries(counterNames.map((name) => [name, requests])) as Record<
        (typeof counterNames)[number],
        number
      >,
      gauges: Object.fromEntries(gaugeNames.map((name) => [name, 2])) as Record<(typeof gaugeNames)[number], number>,
    },
  };
}

function supervisor(pid = 1): Statistics {
  return {
    ...roleStatistics('supervisor'),
    process: { ...roleStatistics('supervisor').process, pid, startTimeSeconds: 1 },
  };
}

function collect(backend: FakeBackend, ...all: readonly Statistics[]): void {
  backend.collection = {
    // By file, as control gets it.
    processes: all.map((one) => ({
      role: one.role,
      pid: one.process.pid,
      statistics: JSON.parse(JSON.stringify(one)) as unknown,
    })),
  };
}

async function start(
  t: TestContext,
  more: { ledgerFile?: string } = {},
): Promise<{
  backend: FakeBackend;
  scrape: (path?: string) => Promise<string>;
  url: string;
  log: ReturnType<typeof recordingLog>;
}> {
  const backend = new FakeBackend();
  const log = recordingLog();
  const server = await startMetrics({
    address: '127.0.0.1',
    port: 0,
    backend,
    programVersion: '0.1.0',
    log,
    ...more,
  });
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.port}`;
  const scrape = async (where = '/stats/prometheus'): Promise<string> => (await fetch(`${url}${where}`)).text();
  return { backend, scrape, url, log };
}

/** Value of the first line that begins so. */
function valueOf(text: string, start: string): number {
  const line = text.split('\n').find((one) => one.startsWith(start));
  assert.ok(line, `there is a line ${start}`);
  return Number(line.slice(line.lastIndexOf(' ')));
}

test('the statistics that roles write are the ones that the metrics read', () => {
  const written: MetricsInput = worker({ index: 0, pid: 1, requests: 1 });
  assert.equal(written.schema, 1);
});

test('both paths give the same metrics in the text format; other paths and methods are refused', async (t) => {
  const { backend, scrape, url } = await start(t);
  collect(backend, supervisor());
  assert.equal(await scrape('/metrics'), await scrape('/stats/prometheus'));
  const reply = await fetch(`${url}/metrics?x=1`, { method: 'HEAD' });
  assert.match(reply.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.equal((await fetch(`${url}/`)).status, 404);
  assert.equal((await fetch(`${url}/metrics`, { method: 'POST' })).status, 405);
});

test('requests and histograms of all workers are merged', async (t) => {
  const { backend, scrape } = await start(t);
  collect(backend, worker({ index: 0, pid: 101, requests: 10 }), worker({ index: 1, pid: 102, requests: 32 }));
  const text = await scrape();
  assert.equal(valueOf(text, 'istio_requests_total{'), 42);
  const buckets = text.split('\n').filter((line) => line.startsWith('istio_request_duration_milliseconds_'));
  assert.deepEqual(
    buckets.map((line) => [
      /_(\w+)\{(?:le="([^"]+)")?/
        .exec(line.slice('istio_request_duration_milliseconds'.length))
        ?.slice(1)
        .join(' ')
        .trim(),
      Number(line.slice(line.lastIndexOf(' '))),
    ]),
    [
      ['bucket 1', 0],
      ['bucket 5', 42],
      ['bucket 10', 42],
      ['bucket +Inf', 42],
      ['sum', 126],
      ['count', 42],
    ],
  );
  assert.equal(valueOf(text, 'istio_response_bytes_sum{'), 84_000);
  assert.equal(valueOf(text, 'istio_request_bytes_count{'), 42);
  assert.equal(valueOf(text, 'mesh_gateway_upstream_retries_total'), 42);
  assert.match(
    text,
    /istio_requests_total\{reporter="source",source_workload="mesh-gateway",destination_service="myapp\.default\.svc\.cluster\.local"/,
  );
  assert.match(text, /odd="a\\"b\\\\c\\nd"/);
});

test('the page of very many destinations is whole, and whoever leaves in the middle of it disturbs nobody', async (t) => {
  const DESTINATIONS = 4_000;
  const { backend, scrape, url, log } = await start(t);
  const one = worker({ index: 0, pid: 101, requests: 10 });
  const [series] = one.proxy?.requests ?? [];
  assert.ok(one.proxy && series);
  const requests = Array.from({ length: DESTINATIONS }, (_, index) => ({
    ...series,
    labels: { ...series.labels, destination_service: `s${index}.default.svc.cluster.local` },
  }));
  collect(backend, { ...one, proxy: { ...one.proxy, requests } }, worker({ index: 1, pid: 102, requests: 32 }));
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  socket.destroy();
  const text = await scrape();
  const named = (name: string): string[] => text.split('\n').filter((line) => line.startsWith(name));
  assert.equal(named('istio_requests_total{').length, DESTINATIONS + 1);
  for (const name of ['istio_request_duration_milliseconds', 'istio_request_bytes', 'istio_response_bytes']) {
    assert.equal(new Set(named(`${name}_count{`)).size, DESTINATIONS + 1, name);
    assert.equal(named(`# TYPE ${name} histogram`).length, 1);
  }
  assert.equal(valueOf(text, 'mesh_gateway_upstream_retries_total'), 42);
  assert.deepEqual(log.lines, []);
});

test('every process shows what it uses, under its role and worker', async (t) => {
  const { backend, scrape } = await start(t);
  collect(backend, supervisor(), roleStatistics('control'), worker({ index: 1, pid: 102, requests: 1 }));
  const text = await scrape();
  for (const labels of ['{role="supervisor"}', '{role="control"}', '{role="worker",worker="1"}']) {
    assert.ok(valueOf(text, `process_resident_memory_bytes${labels}`) > 0);
  }
  assert.equal(valueOf(text, 'mesh_gateway_downstream_connections_active{worker="1"}'), 2);
});

test('the state of the appliance is shown: version, problems, workers, certificates', async (t) => {
  const text = await (await start(t)).scrape();
  assert.equal(valueOf(text, 'mesh_gateway_served_snapshot_version'), 7);
  assert.equal(valueOf(text, 'mesh_gateway_problems{severity="error"}'), 1);
  assert.equal(valueOf(text, 'mesh_gateway_workers{state="serving"}'), 2);
  assert.equal(valueOf(text, 'mesh_gateway_last_publish_timestamp_seconds'), Date.UTC(2026, 0, 2) / 1_000);
  assert.equal(
    valueOf(text, 'mesh_gateway_certificate_expiry_timestamp_seconds{certificate="default/app-tls"}'),
    Date.UTC(2090, 0, 1) / 1_000,
  );
  assert.match(text, /mesh_gateway_build_info\{version="0\.1\.0",node_version="v26/);
  assert.equal(valueOf(text, 'mesh_gateway_leader'), 1);
  assert.equal(valueOf(text, 'mesh_gateway_node_drifted{node="node-1"}'), 0);
  assert.equal(valueOf(text, 'mesh_gateway_node_drifted{node="node-2"}'), 1);
  assert.match(text, /mesh_gateway_node_info\{node="node-2",version="0\.1\.0",snapshot="cdcd/);
});

test('counters do not go backwards when a worker is replaced, or does not answer once', async (t) => {
  const { backend, scrape } = await start(t);
  const requests = async (...all: readonly Statistics[]): Promise<number> => {
    collect(backend, ...all);
    return valueOf(await scrape(), 'istio_requests_total{');
  };
  const other = worker({ index: 1, pid: 102, requests: 32 });
  assert.equal(await requests(worker({ index: 0, pid: 101, requests: 10 }), other), 42);
  assert.equal(await requests(other), 42, 'silent, but alive');
  backend.pids = [103, 102];
  assert.equal(await requests(worker({ index: 0, pid: 103, requests: 1, startTimeSeconds: 2_000 }), other), 43);
  assert.equal(await requests(worker({ index: 0, pid: 103, requests: 5, startTimeSeconds: 2_000 }), other), 47);
});

test('the totals of dead workers survive a restart of control, and not one of the whole program', async (t) => {
  const ledgerFile = path.join(temporaryDir(t), 'metrics-ledger.json');
  const first = await start(t, { ledgerFile });
  collect(first.backend, supervisor(1), worker({ index: 0, pid: 101, requests: 10 }));
  await first.scrape();
  first.backend.pids = [103];
  const successor = worker({ index: 0, pid: 103, requests: 1, startTimeSeconds: 2_000 });
  collect(first.backend, supervisor(1), successor);
  assert.equal(valueOf(await first.scrape(), 'istio_requests_total{'), 11);

  const second = await start(t, { ledgerFile });
  collect(second.backend, supervisor(1), successor);
  assert.equal(valueOf(await second.scrape(), 'istio_requests_total{'), 11);

  const third = await start(t, { ledgerFile });
  collect(third.backend, supervisor(2), successor);
  assert.equal(valueOf(await third.scrape(), 'istio_requests_total{'), 1);
});

test('scrapes that overlap share one collection', async (t) => {
  const { backend, url } = await start(t);
  const { promise, resolve } = Promise.withResolvers<{ processes: [] }>();
  const collectOnce = t.mock.method(backend, 'collect', () => promise);
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
  // Three requests in one segment are read in one turn, all before the first is answered.
  socket.write(
    'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2) +
      'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  );
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await eventually(() => collectOnce.mock.callCount() > 0);
  resolve({ processes: [] });
  await once(socket, 'close');
  assert.equal(text.match(/^HTTP\/1\.1 200 OK/gm)?.length, 3);
  assert.equal(collectOnce.mock.callCount(), 1);
});

test('a file of another version or of no sense is left out', async (t) => {
  const { backend, scrape } = await start(t);
  const good = worker({ index: 0, pid: 101, requests: 10 });
  backend.collection = {
    processes: [
      { role: 'worker', pid: 101, statistics: good },
      { role: 'worker', pid: 102, statistics: { ...good, schema: 99 } },
      { role: 'worker', pid: 103, statistics: null },
      { role: 'worker', pid: 104, statistics: 'torn' },
    ],
  };
  assert.equal(valueOf(await scrape(), 'istio_requests_total{'), 10);
});

test('a failed collection is a 500, and the next scrape works', async (t) => {
  const { backend, url } = await start(t);
  const failing = t.mock.method(backend, 'collect', () => Promise.reject(new Error('gone')));
  assert.equal((await fetch(`${url}/metrics`)).status, 500);
  failing.mock.restore();
  assert.equal((await fetch(`${url}/metrics`)).status, 200);
});

test('promtool finds nothing but the unit that Istio gave its duration', {
  skip: requires({ programs: ['promtool'] }),
}, async (t) => {
  const { backend, scrape } = await start(t);
  collect(
    backend,
    supervisor(),
    roleStatistics('control'),
    worker({ index: 0, pid: 101, requests: 10 }),
    worker({ index: 1, pid: 102, requests: 1 }),
  );
  const check = (text: string) => {
    const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    return `${stdout}${stderr}`.trim();
  };
  assert.equal(
    check(await scrape()),
    'istio_request_duration_milliseconds use base unit "seconds" instead of "milliseconds"',
  );
});

test('how the leader gets on with conditions and events is told, where there is a cluster', async (t) => {
  const { scrape } = await start(t);
  const text = await scrape();
  assert.equal(valueOf(text, 'mesh_gateway_status_waiting_objects '), 7);
  assert.equal(valueOf(text, 'mesh_gateway_status_requests_total{outcome="answered"}'), 40);
  assert.equal(valueOf(text, 'mesh_gateway_status_requests_total{outcome="failed"}'), 2);
});
