import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { Caller, take } from '#test/kit/api-server/caller.ts';
import { eventually } from '#test/kit/eventually.ts';
import { aConfigMap } from './objects.ts';

const PATH = '/api/v1/namespaces/default/configmaps';

describe('faults that the test API server plays on order', () => {
  let server: ApiServer;
  let caller: Caller;
  before(async () => {
    server = await ApiServer.start({ doors: 2 });
    caller = new Caller(server);
    server.apply(aConfigMap('one'));
  });
  afterEach(() => server.faults.clear());
  after(async () => {
    caller.close();
    await server.stop();
  });

  const watchPath = () => `${PATH}?watch=1&resourceVersion=${server.resourceVersion}`;
  const connected = () => eventually(() => server.watches().length === 1, { what: 'a watch runs' });

  it('refuse connections while down, and serve the same port again after', async () => {
    const { url } = server;
    await server.faults.down(0);
    await assert.rejects(caller.call('GET', PATH), /ECONNREFUSED|ECONNRESET|socket hang up/);
    await server.faults.up(0);
    assert.equal(server.url, url);
    assert.equal((await caller.call('GET', PATH)).status, 200);
  });

  it('take one of several doors to the same cluster away', async () => {
    await server.faults.down(1);
    assert.equal((await caller.call('GET', PATH)).status, 200);
    const other = new Caller(server, server.urls[1]);
    await assert.rejects(other.call('GET', PATH), /ECONNREFUSED/);
    await server.faults.up(1);
    assert.equal((await other.call('GET', PATH)).status, 200);
    other.close();
  });

  it('answer 410 before a watch begins, where a test wants it there', async () => {
    server.faults.answer(410, { verbs: ['watch'] });
    const refused = await caller.call('GET', watchPath());
    assert.deepEqual([refused.status, refused.body.reason], [410, 'Expired']);
    assert.equal(server.audit.entries({ verb: 'watch', code: 410 }).length, 1);
  });

  it('reset every new connection', async () => {
    server.faults.reset();
    await assert.rejects(caller.call('GET', PATH), /ECONNRESET|socket hang up/);
  });

  it('answer a status with its reason and Retry-After, as often as ordered', async () => {
    server.faults.answer(429, { resources: ['configmaps'], verbs: ['list'], times: 1, retryAfterSeconds: 3 });
    const refused = await caller.call('GET', PATH);
    assert.deepEqual(
      [refused.status, refused.body.reason, refused.headers['retry-after']],
      [429, 'TooManyRequests', '3'],
    );
    assert.equal((await caller.call('GET', PATH)).status, 200);
  });

  it('answer late, empty, malformed or in half', async () => {
    const from = performance.now();
    const undo = server.faults.add({ kind: 'delay', delayMs: 50 });
    await caller.call('GET', PATH);
    assert.ok(performance.now() - from >= 49);
    undo();
    server.faults.add({ kind: 'empty' }, { times: 1 });
    assert.deepEqual((await caller.call('GET', PATH)).body.items, []);
    server.faults.add({ kind: 'malformed' }, { times: 1 });
    await assert.rejects(caller.call('GET', PATH), SyntaxError);
    server.faults.add({ kind: 'truncated' }, { times: 1 });
    await assert.rejects(caller.call('GET', PATH), /aborted|ECONNRESET/);
  });

  it('cut, end and fail watches', async () => {
    const cut = take(caller.watch(watchPath()), 1);
    await connected();
    server.faults.cutWatches('configmaps');
    await assert.rejects(cut, /aborted|ECONNRESET/);

    const ended = take(caller.watch(watchPath()), 1);
    await connected();
    server.faults.endWatches();
    assert.deepEqual(await ended, []);

    const failed = take(caller.watch(watchPath()), 1);
    await connected();
    server.faults.failWatches(410);
    assert.deepEqual((await failed)[0]?.object.reason, 'Expired');
  });

  it('keep a stalled watch silent, and tell it everything when it goes on', async () => {
    const events = take(caller.watch(watchPath()), 1);
    await connected();
    server.faults.stallWatches();
    server.apply(aConfigMap('one', { a: '1' }));
    const first = await Promise.race([events, new Promise((resolve) => setTimeout(resolve, 50, 'silence'))]);
    assert.equal(first, 'silence');
    server.faults.resumeWatches();
    assert.equal((await events)[0]?.type, 'MODIFIED');
  });

  it('play Kubernetes 1.12: what came later is not there', async () => {
    const old = await ApiServer.start({ version: '1.12' });
    const client = new Caller(old);
    const codes = async (...paths: string[]) =>
      Promise.all(paths.map(async (path) => (await client.call('GET', path)).status));
    assert.deepEqual(
      await codes('/apis/discovery.k8s.io/v1', '/apis/coordination.k8s.io/v1', '/apis/networking.istio.io/v1'),
      [404, 404, 404],
    );
    assert.deepEqual(
      await codes(
        '/apis/coordination.k8s.io/v1beta1/leases',
        '/apis/extensions/v1beta1/deployments',
        '/apis/networking.istio.io/v1alpha3/virtualservices',
      ),
      [200, 200, 200],
    );
    client.close();
    await old.stop();
  });
});

describe('a test API server that is stopped', () => {
  it('stays shut, though it was flapping', async () => {
    const server = await ApiServer.start();
    const caller = new Caller(server);
    server.faults.flap({ downMs: 1, upMs: 1 });
    await eventually(
      () =>
        caller.call('GET', PATH).then(
          () => false,
          () => true,
        ),
      { what: 'it is down' },
    );
    await server.stop();
    await assert.rejects(caller.call('GET', PATH), /ECONNREFUSED/);
    caller.close();
  });

  it('breaks what is open, whatever state it is in', async () => {
    const server = await ApiServer.start();
    for (let index = 0; index < 40; index += 1)
      server.apply(aConfigMap(`large-${index}`, { text: 'x'.repeat(200_000) }));
    const ends = await Promise.all(
      ['', 'GET /api', request(server, PATH), request(server, `${PATH}?watch=1`)].map(unread(server)),
    );
    await server.stop();
    // Resolves only when the server has no connection any more; a reader then meets its end.
    await Promise.all(ends.map((end) => end()));
  });
});

function request(server: ApiServer, path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ${server.token()}\r\n\r\n`;
}

/** A client that says something and reads nothing; the function that it gives reads on until the connection is broken. */
function unread(server: ApiServer): (text: string) => Promise<() => Promise<unknown>> {
  return async (text) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port), ca: server.caPem });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    socket.write(text);
    if (text.endsWith('\r\n')) await once(socket, 'readable');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    return () => (socket.resume(), closed);
  };
}
