import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { AccessLog } from '#gateway/telemetry/access-log.ts';
import { type AccessLogRecord, jsonLine, textLine } from '#gateway/telemetry/access-log-format.ts';
import { eventually } from '#test/kit/eventually.ts';

const record: AccessLogRecord = {
  startTime: Date.UTC(2020, 10, 25, 21, 26, 18, 409),
  method: 'GET',
  path: '/status/418?q=1',
  protocol: 'HTTP/1.1',
  status: 418,
  flags: '-',
  details: 'via_upstream',
  connectionTermination: '',
  transportFailure: '',
  bytesReceived: 0,
  bytesSent: 135,
  durationMs: 3.4,
  upstreamServiceMs: 1,
  forwardedFor: '203.0.113.9',
  userAgent: 'curl/7.73.0-DEV',
  requestId: '84961386-6d84-929d-98bd-c5aee93b5c88',
  authority: 'httpbin:8000',
  upstreamHost: '10.44.1.27:80',
  upstreamCluster: 'outbound|8000||httpbin.foo.svc.cluster.local',
  upstreamLocal: '10.44.1.23:37652',
  downstreamLocal: '10.0.45.184:8000',
  downstreamRemote: '203.0.113.9:46520',
  serverName: '',
  routeName: 'default',
};

test("the text line is Istio's default format byte for byte", () => {
  assert.equal(
    textLine(record),
    '[2020-11-25T21:26:18.409Z] "GET /status/418?q=1 HTTP/1.1" 418 - via_upstream - "-" 0 135 3 1 "203.0.113.9" ' +
      '"curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "10.44.1.27:80" ' +
      'outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 10.0.45.184:8000 203.0.113.9:46520 - default\n',
  );
});

test('the JSON line has Istio names, numbers as numbers and null for what is absent', () => {
  const line = JSON.parse(jsonLine({ ...record, userAgent: '', upstreamServiceMs: -1 }));
  assert.equal(line.response_code, 418);
  assert.equal(line.user_agent, null);
  assert.equal(line.upstream_service_time, null);
  assert.equal(line.connection_termination_details, null);
  assert.equal(line.start_time, '2020-11-25T21:26:18.409Z');
  assert.deepEqual(Object.keys(line).length, 24);
});

test('no value can end its field, its line, or reach a terminal as a control sequence', () => {
  const evil = 'a" 200 - forged\r\n[2020] "GET / \\ \x1b[2J\x7f\x9b\xe9 b';
  const fields = [
    'method',
    'path',
    'userAgent',
    'forwardedFor',
    'requestId',
    'authority',
    'serverName',
    'details',
    'routeName',
  ] as const;
  for (const field of fields) {
    const line = textLine({ ...record, [field]: evil });
    assert.equal(line.indexOf('\n'), line.length - 1, field);
    assert.equal((line.match(/"/g) ?? []).length, 14, field);
    assert.match(line.slice(0, -1), /^[ -~]*$/, field);
    const json = jsonLine({ ...record, [field]: `${evil}\u2028` });
    assert.equal(json.indexOf('\n'), json.length - 1, field);
    assert.doesNotMatch(json.slice(0, -1), /[\x00-\x1f\x7f-\x9f\u2028]/, field);
    JSON.parse(json);
  }
  assert.equal(textLine({ ...record, serverName: 'a b' }).split(' ').length, textLine(record).split(' ').length);
  assert.match(textLine({ ...record, userAgent: 'q"q' }), /"q\\x22q"/);
});

test('the file is opened anew after a rotation and nothing is lost', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mesh-gateway-log-'));
  try {
    const file = path.join(folder, 'access.log');
    const log = new AccessLog({ format: 'text', file });
    log.write(record);
    await eventually(() => readFileSync(file, 'utf8').length > 0);
    assert.equal(statSync(file).mode & 0o777 & 0o027, 0, 'others cannot read it, nobody else can write it');
    renameSync(file, `${file}.1`);
    log.reopen();
    log.write({ ...record, path: '/after' });
    await eventually(() => readFileSync(file, 'utf8').includes('/after'));
    log.write({ ...record, path: '/last' });
    await log.close();
    assert.match(readFileSync(file, 'utf8'), /\/last/);
    assert.equal(readFileSync(`${file}.1`, 'utf8'), textLine(record));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a log that cannot be opened reports it and does not throw', async () => {
  const errors: Error[] = [];
  const log = new AccessLog({ format: 'json', file: '/nonexistent/folder/access.log', onError: (e) => errors.push(e) });
  log.write(record);
  await eventually(() => errors.length > 0);
  log.write(record);
  assert.equal(errors.length, 1);
});

test('a log that is off writes nothing and says so', async () => {
  const log = new AccessLog({ format: 'off', file: '/nonexistent/x' });
  assert.equal(log.enabled, false);
  log.write(record);
  log.reopen();
  await log.close();
});
