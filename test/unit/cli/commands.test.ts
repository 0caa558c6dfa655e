import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { describedKinds } from '#admin/cli/kinds.ts';
import { bodies } from '#gateway/control/resource/served-kinds.ts';
import { startTestAdmin, temporaryDir } from '../admin/admin-kit.ts';
import { clusterSource } from '../admin/fake-backend.ts';
import { runHere } from './cli-kit.ts';

const usage: readonly (readonly [line: string, message: RegExp])[] = [
  ['', /Usage: mesh-gateway/],
  ['shfit myapp v1=1', /unknown command 'shfit'[^]*Did you mean shift\?/],
  ['get', /missing required argument 'resource'/],
  ['get routs', /there is no routs to get \(did you mean routes\?\)/],
  ['get routes -o xml', /Allowed choices are table, wide, json, yaml/],
  ['get routes --weird', /unknown option '--weird'/],
  ['shift myapp', /missing required argument 'weights'/],
  ['shift myapp v1', /v1 is not a weight: write SUBSET=WEIGHT/],
  ['shift myapp =5', /=5 is not a weight/],
  ['shift myapp v1=-1', /weight of v1 must be a whole number from 0 on, not "-1"/],
  ['shift myapp v1=1.5', /must be a whole number/],
  ['shift myapp v1=0x10', /must be a whole number/],
  ['shift myapp v1=', /must be a whole number/],
  ['shift myapp v1=1 v1=2', /v1 is named twice/],
  ['shift a/b/c v1=1', /write NAME or NAMESPACE\/NAME/],
  ['shift shop/myapp v1=1 -n default', /name different namespaces/],
  ['describe', /missing required argument 'object'/],
  ['describe vs', /vs does not name one object: write vs NAME, or vs NAMESPACE\/NAME/],
  ['describe vz myapp', /vz is no kind that is known here \(did you mean vs\?\)/],
  ['describe vs a/b/c', /does not name one object/],
  ['describe vs shop/myapp -n default', /name different namespaces/],
  ['get status --admin http://10.0.0.1:15000', /would send the token in the clear/],
  ['get status --admin http://127.0.0.1:15000', /a URL needs the token/],
  [
    'get status --admin http://127.0.0.1:15000 --token-file /nonexistent',
    /token file \/nonexistent cannot be read: there is no such file/,
  ],
  ['get status --admin http://', /is not a URL/],
  ['validate', /missing required argument 'path'/],
  ['validate x -o xml', /Allowed choices are text, json, yaml/],
];

for (const [line, message] of usage) {
  test(`"mesh-gateway ${line}" is wrong usage: code 2, told on stderr`, async () => {
    const { code, out, err } = await runHere(line.split(' ').filter(Boolean));
    assert.match(err, message);
    assert.deepEqual([code, out], [2, '']);
  });
}

test('help and version are results: stdout, code 0', async () => {
  const help = await runHere(['--help']);
  assert.deepEqual([help.code, help.err], [0, '']);
  for (const word of [
    'run',
    'validate',
    'get',
    'describe',
    'shift',
    'traffic',
    'demo',
    'version',
    'Examples:',
    'Exit codes:',
  ]) {
    assert.ok(help.out.includes(word), word);
  }
  assert.deepEqual(await runHere(['version']), { code: 0, out: 'mesh-gateway 0.1.0\n', err: '' });
  assert.deepEqual(await runHere(['--version']), { code: 0, out: 'mesh-gateway 0.1.0\n', err: '' });
  assert.match((await runHere(['shift', '--help'])).out, /whole vector/);
});

test('run and demo pass their options on and their exit code back', async () => {
  const asked: unknown[] = [];
  const deps = {
    run: async (options: object) => {
      asked.push({ ...options });
      return 5;
    },
    demo: async (options: object) => void asked.push({ ...options }),
  };
  assert.equal((await runHere(['run', '--settings', 'a.yaml'], { deps })).code, 5);
  assert.equal((await runHere(['run'], { deps })).code, 5);
  assert.equal((await runHere(['demo', '--fresh'], { deps })).code, 0);
  assert.deepEqual(asked, [{ settings: 'a.yaml' }, {}, { fresh: true }]);
  const failing = await runHere(['run'], { deps: { run: () => Promise.reject(new Error('port 31380 is in use')) } });
  assert.deepEqual(failing, { code: 1, out: '', err: 'mesh-gateway: port 31380 is in use\n' });
});

test('get shows every resource as a table, wide has more columns', async (t) => {
  const { socket } = await startTestAdmin(t);
  const expected: Readonly<Record<string, RegExp>> = {
    listeners: /^LISTENER +PROTOCOL +GATEWAY-PORT +NODE-PORTS +HOSTS\nhttp\.31380 +HTTP +80 +31380 +3\n/,
    routes:
      /\nhttp\.31380 +\* +uri prefix \/api and .* +default\/myapp\/0 +myapp\.default\.svc\.cluster\.local:80\/v1 25%, .*\/v2 75%\n/,
    clusters: /\nmyapp\.default\.svc\.cluster\.local +80 +v1 +2 +LEAST_REQUEST\n/,
    endpoints: /\n\[fd00::1\]:8080 +1 +outbound\|80\|v1\|/,
    certificates: /\ndefault\/app-tls +valid +2090-01-01 +localhost,127\.0\.0\.1\n/,
    problems: /\nerror +IST0101 +VirtualService\/default\/myapp +app\.yaml:12:3 +There is no subset v3\.\n/,
    workers: /\n1 +102 +serving +7 +3 +1 +2026-01-01T00:00:00\.000Z\n/,
    status: /^ready: +yes\nnode: +node-1\n[^]*\nproblems: +1 error, 0 warnings, 1 info\n/,
  };
  for (const [name, table] of Object.entries(expected)) {
    const { code, out, err } = await runHere(['get', name, '--admin', socket]);
    assert.deepEqual([code, err], [0, ''], name);
    assert.match(out, table);
    assert.doesNotMatch(out, / \n/, 'no blanks at the ends of lines');
    const wide = await runHere(['get', name, '-o', 'wide', '--admin', socket]);
    assert.ok(wide.out.length >= out.length);
  }
  assert.match((await runHere(['get', 'cluster', '--admin', socket])).out, /^HOST/);
  assert.match(
    (await runHere(['get', 'certificates', '-o', 'wide', '--admin', socket])).out,
    /default\/app-gateway\/https +(ab){32}/,
  );
});

test('get gives programs what the API gives: JSON and YAML, the same data', async (t) => {
  const { socket } = await startTestAdmin(t);
  const json = await runHere(['get', 'routes', '-o', 'json', '--admin', socket]);
  const yaml = await runHere(['get', 'routes', '-o', 'yaml', '--admin', socket]);
  const data = JSON.parse(json.out) as { version: number; items: unknown[] };
  assert.deepEqual([data.version, data.items.length], [7, 5]);
  assert.deepEqual(parse(yaml.out), data);
});

test('an empty list is a message, not a result', async (t) => {
  const { socket, backend } = await startTestAdmin(t);
  backend.served = undefined;
  assert.deepEqual(await runHere(['get', 'routes', '--admin', socket]), {
    code: 0,
    out: '',
    err: 'There are no routes.\n',
  });
});

test('what a terminal would obey is not printed', async (t) => {
  const { socket, backend } = await startTestAdmin(t);
  t.mock.method(backend, 'problems', () => [{ severity: 'error', code: 'X', message: 'a\x1b[2J\nb' }]);
  const { out } = await runHere(['get', 'problems', '--admin', socket]);
  assert.ok(!out.includes('\x1b'));
  assert.match(out, /a \[2J b\n$/);
});

test('traffic lists what shift takes', async (t) => {
  const { socket } = await startTestAdmin(t);
  const { code, out, err } = await runHere(['traffic', 'default/myapp', '--admin', socket]);
  assert.equal(code, 0);
  assert.match(out, /^ROUTE +KEY +WEIGHT +SHARE +HOST\n0 +v1 +50 +50% +myapp\n0 +v2 +50 +50% +myapp\n$/);
  assert.match(err, /app\.yaml, entity tag 50-50, version 7/);
});

test('get nodes shows what each serves, and which of them has drifted', async (t) => {
  const { socket } = await startTestAdmin(t);
  const { code, out } = await runHere(['get', 'nodes', '--admin', socket]);
  assert.equal(code, 0);
  const [head = '', first = '', second = ''] = out.split('\n').map((line) => line.trim().split(/ +/).join(' '));
  assert.equal(head, 'NODE STATE LEADER SNAPSHOT VERSION OBJECTS REVISION PROGRAM LAST-SEEN');
  assert.equal(first, 'node-1 here yes abababababab 7 3 - 0.1.0 2026-01-01T00:00:00.000Z');
  assert.equal(second, 'node-2 drifted - cdcdcdcdcdcd 7 3 4711 0.1.0 2026-01-01T00:00:00.000Z');
});

test('warnings of traffic and shift go to stderr, without what a terminal would obey', async (t) => {
  const { socket, backend } = await startTestAdmin(t);
  backend.warnings = ['managed by\x1b[2J Argo CD.'];
  for (const command of [
    ['traffic', 'myapp'],
    ['shift', 'myapp', 'v1=1', 'v2=9'],
    ['traffic', 'myapp', '-o', 'json'],
  ]) {
    const { code, out, err } = await runHere([...command, '--admin', socket]);
    assert.equal(code, 0);
    assert.match(err, /^warning: managed by \[2J Argo CD\.$/m);
    assert.ok(!out.includes('warning:'));
  }
});

test('shift passes namespace, route, reason and entity tag on; json gives the whole result', async (t) => {
  const { socket, backend } = await startTestAdmin(t);
  const line = [
    'shift',
    'default/myapp',
    'v1=0',
    'v2=100',
    '--route',
    '0',
    '--reason',
    'release 42',
    '--if-match',
    '50-50',
  ];
  const { code, out } = await runHere([...line, '-o', 'json', '--admin', socket]);
  assert.equal(code, 0);
  assert.equal((JSON.parse(out) as { version: number }).version, 8);
  const [request] = backend.shifts;
  assert.deepEqual(
    [request?.namespace, request?.route, request?.reason, request?.ifMatch],
    ['default', '0', 'release 42', ['"50-50"']],
  );
  const stale = await runHere([...line, '--admin', socket]);
  assert.deepEqual([stale.code, stale.err], [1, 'mesh-gateway: it changed meanwhile\n']);
});

test('a refused shift suggests the key that was meant and lists the rules there are', async (t) => {
  const { socket, backend } = await startTestAdmin(t);
  backend.refusal = { ok: false, kind: 'invalid', message: 'there is no v3x', validKeys: ['stable', 'canary'] };
  const keys = await runHere(['shift', 'myapp', 'stabel=90', 'canary=10', '--admin', socket]);
  assert.match(keys.err, /there is no v3x\ndid you mean stable instead of stabel\?\n/);
  const routes = ['login', 'rest'].map((route, index) => ({
    route,
    index,
    destinations: [
      { key: 'v1', host: 'a', weight: 1 },
      { key: 'v2', host: 'a', weight: 1 },
    ],
  }));
  backend.refusal = { ok: false, kind: 'invalid', message: 'name the rule', routes };
  const rules = await runHere(['shift', 'myapp', 'v1=90', 'v2=10', '--admin', socket]);
  assert.match(rules.err, /name the rule\n {2}--route login {2}\(v1, v2\)\n {2}--route rest/);
  backend.refusal = { ok: false, kind: 'timeout', message: 'not confirmed in 2 s', version: 9, servedVersion: 8 };
  assert.equal((await runHere(['shift', 'myapp', 'v1=1', '--admin', socket])).code, 1);
});

test('the gateway is found by --admin, then MESH_GATEWAY_ADMIN, then .demo/ here or above', async (t) => {
  const { socket } = await startTestAdmin(t);
  const dir = temporaryDir(t);
  const deep = path.join(dir, 'a', 'b');
  mkdirSync(deep, { recursive: true });
  mkdirSync(path.join(dir, '.demo', 'run'), { recursive: true });
  symlinkSync(socket, path.join(dir, '.demo', 'run', 'admin.sock'));
  const get = (args: readonly string[], io: { env?: Record<string, string>; cwd?: string } = {}) =>
    runHere(['get', 'status', ...args], { io });
  assert.equal((await get(['--admin', socket])).code, 0);
  assert.equal((await get(['--admin', `unix:${socket}`])).code, 0);
  assert.equal((await get(['--admin', path.basename(socket)], { cwd: path.dirname(socket) })).code, 0);
  assert.equal((await get([], { env: { MESH_GATEWAY_ADMIN: socket } })).code, 0);
  assert.equal((await get([], { cwd: dir })).code, 0);
  assert.equal((await get([], { cwd: deep })).code, 0);
  const named = await get(['--admin', '/nonexistent'], { env: { MESH_GATEWAY_ADMIN: socket }, cwd: dir });
  assert.equal(named.code, 3, 'a place that was named is the only one');
});

test('a gateway that is not there is told with every place that was tried: code 3', async (t) => {
  const dir = temporaryDir(t);
  mkdirSync(path.join(dir, '.demo', 'run'), { recursive: true });
  writeFileSync(path.join(dir, '.demo', 'run', 'admin.sock'), '');
  const { code, err } = await runHere(['get', 'status', '--admin', path.join(dir, '.demo', 'run', 'admin.sock')]);
  assert.equal(code, 3);
  assert.match(
    err,
    /^mesh-gateway: no running gateway was found: tried --admin at .*admin\.sock \((nobody listens|not a socket)\); start one, or name its admin socket/,
  );
});

test('over a URL the token file is used; a wrong token is refused with code 1', async (t) => {
  const { server, port, dir } = await startTestAdmin(t);
  const url = `http://127.0.0.1:${port}`;
  assert.equal((await runHere(['get', 'status', '--admin', url, '--token-file', server.tokenFile])).code, 0);
  const env = { MESH_GATEWAY_ADMIN: url, MESH_GATEWAY_TOKEN_FILE: server.tokenFile };
  assert.equal((await runHere(['get', 'status'], { io: { env } })).code, 0);
  const wrong = path.join(dir, 'wrong');
  copyFileSync('/dev/null', wrong);
  writeFileSync(wrong, 'x'.repeat(43));
  const refused = await runHere(['get', 'status', '--admin', url, '--token-file', wrong]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /This token is not valid/);
});

test('something else that answers there is told as such', async (t) => {
  const other = http.createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1');
  t.after(() => other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  const file = path.join(temporaryDir(t), 'token');
  writeFileSync(file, 'token');
  const { code, err } = await runHere(['get', 'status', '--admin', `http://127.0.0.1:${port}`, '--token-file', file]);
  assert.equal(code, 1);
  assert.match(err, /is not the admin API of a mesh-gateway/);
});

for (const words of [
  ['vs', 'myapp'],
  ['VirtualServices/myapp'],
  ['virtualservices.networking.istio.io', 'default/myapp'],
  ['virtualservice/default/myapp'],
]) {
  test(`describe ${words.join(' ')}: one object in the manner of kubectl`, async (t) => {
    const { socket } = await startTestAdmin(t);
    const deps = { pageOf: (code: string) => `docs/${code}.md` };
    const { code, out, err } = await runHere(['describe', ...words, '--admin', socket], { deps });
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^Name: +myapp\nNamespace: +default\nKind: +VirtualService \(networking\.istio\.io\/v1\)\n/);
    assert.match(out, /^Source: +app\.yaml:1:1$/m);
    assert.match(out, /^State: +quarantined\n +Its newest version is not taken since 2026-01-03/m);
    assert.match(out, /^Problems:\n {2}error IST0101 spec\.http\[0\]\.route\[1\]\n {4}There is no subset v3\.\n/m);
    assert.match(out, /^ {2}IST0101 is explained in docs\/IST0101\.md$/m);
    assert.match(out, /^Routes:\n {2}LISTENER +HOST +MATCH/m);
    assert.match(out, /v1 25%, myapp\.default\.svc\.cluster\.local:80\/v2 75%$/m);
    assert.match(out, /^Not ready:\n.*\n {2}10\.0\.0\.9 +not ready \(pod myapp-v1\)$/m);
    assert.match(out, /^Certificates:\n {2}CERTIFICATE +STATE +ENDS.*\n {2}default\/app-tls +valid +2090-01-01/m);
    assert.match(out, /^Refers to:\n.*\n {2}Service +default\/myapp +yes$/m);
    assert.doesNotMatch(out, / \n/, 'no blanks at the ends of lines');
  });
}

test('describe gives programs what the API gives, and says who is not there and who may be meant', async (t) => {
  const { socket } = await startTestAdmin(t);
  const json = await runHere(['describe', 'vs', 'myapp', '-o', 'json', '--admin', socket]);
  const yaml = await runHere(['describe', 'vs', 'myapp', '-o', 'yaml', '--admin', socket]);
  const data = JSON.parse(json.out) as { state: string };
  assert.equal(data.state, 'quarantined');
  assert.deepEqual(parse(yaml.out), data);
  assert.deepEqual(await runHere(['describe', 'vs', 'myap', '--admin', socket]), {
    code: 1,
    out: '',
    err: 'mesh-gateway: There is no VirtualService default/myap. Did you mean VirtualService default/myapp?\n',
  });
});

test('get kinds shows how each kind of a cluster is known, and get status which are not, and who leads', async (t) => {
  const { socket, backend } = await startTestAdmin(t);
  assert.equal((await runHere(['get', 'kinds', '--admin', socket])).err, 'There are no kinds.\n');
  backend.source = clusterSource();
  const { out } = await runHere(['get', 'kinds', '--admin', socket]);
  const [head, service, , secret, gateway] = out.split('\n').map((line) => line.trim().split(/ +/).join(' '));
  assert.equal(head, 'KIND GROUP STATE OBJECTS LAG LAST-SYNC FAILURES');
  assert.match(service ?? '', /^Service - failing 2 6\ds 2\d{3}-\S+Z 4$/);
  assert.equal(secret, 'Secret - refused 2 - - 1');
  assert.match(gateway ?? '', /^Gateway networking\.istio\.io watching 2 0s /);
  const status = (await runHere(['get', 'status', '--admin', socket])).out;
  assert.match(status, /^leader: +this node$/m);
  assert.match(status, /^last answer: +2026-01-04T00:00:00\.000Z, from https:\/\/10\.0\.0\.1:6443$/m);
  assert.match(status, /^held: +Nothing is taken back\.$/m);
  assert.match(status, /^trouble: +The cluster cannot be asked\.$/m);
  assert.match(status, /^kinds: +failing, in sync: 2\d{3}-\S+: Service \(2\), Pod \(2\)$/m);
  assert.match(status, /^kinds: +refused, in sync: never: Secret \(2\)$/m);
});

test('every kind that is read can be described', () => {
  assert.deepEqual([...describedKinds].sort(), Object.keys(bodies).sort());
});
