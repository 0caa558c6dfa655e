import assert from 'node:assert/strict';
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { AccessFile } from '#gateway/control/kubernetes/access-file.ts';
import { ApiClient } from '#gateway/control/kubernetes/api-client.ts';
import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import { makeCa } from '#test/kit/certificates.ts';
import { freePorts } from '#test/kit/ports.ts';
import { kubeconfigText, refuse, respond, StubServer, stubCa, writeKubeconfig } from './stub-server.ts';

type Made = { readonly client: ApiClient; readonly kubeconfig: string; readonly tick: () => void };

async function clientFor(
  context: TestContext,
  urls: readonly string[],
  user?: Record<string, unknown>,
  cluster: Record<string, unknown> = {},
): Promise<Made> {
  const [server, ...servers] = urls;
  const ca = Buffer.from((await stubCa()).certificatePem).toString('base64');
  const kubeconfig = writeKubeconfig(context, { server, 'certificate-authority-data': ca, ...cluster }, user);
  const clock = { now: 0 };
  const client = new ApiClient(new AccessFile({ kubeconfig, servers }, () => clock.now));
  context.after(() => client.close());
  return {
    client,
    kubeconfig,
    tick: () => {
      clock.now += 1_000;
    },
  };
}

async function startStub(context: TestContext, options?: Parameters<typeof StubServer.start>[0]): Promise<StubServer> {
  const stub = await StubServer.start(options);
  context.after(() => stub.stop().catch(() => undefined));
  return stub;
}

async function failureOf(work: Promise<unknown>): Promise<ApiError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ApiError, `an ApiError, not ${inspect(error)}`);
  return error;
}

test('a request carries token and query, and gives the JSON answer', async (context) => {
  const stub = await startStub(context);
  stub.handler = (_request, response) => respond(response, 200, { kind: 'PodList' });
  const { client } = await clientFor(context, [stub.url]);
  const query = { limit: 500, continue: 'a b&c', watch: undefined };
  assert.deepEqual(await client.request({ method: 'GET', path: '/api/v1/pods', query }), { kind: 'PodList' });
  assert.deepEqual(stub.requests, [
    { method: 'GET', url: '/api/v1/pods?limit=500&continue=a+b%26c', body: '', token: 'first-token' },
  ]);
});

test('a refusal is an ApiError with what the Status says', async (context) => {
  const stub = await startStub(context);
  stub.handler = (_request, response) => refuse(response, 429, 'TooManyRequests', { 'retry-after': '7' });
  const { client } = await clientFor(context, [stub.url]);
  const error = await failureOf(client.request({ method: 'GET', path: '/api' }));
  assert.deepEqual(
    [error.status, error.reason, error.message, error.retryAfterMs],
    [429, 'TooManyRequests', 'said TooManyRequests', 7000],
  );
});

test('a failure without a Status says who answered what', async (context) => {
  const stub = await startStub(context);
  stub.handler = (_request, response) => response.writeHead(502).end('<html>');
  const { client } = await clientFor(context, [stub.url]);
  const error = await failureOf(client.request({ method: 'GET', path: '/api' }));
  assert.equal(error.message, `${stub.url} answered 502 without saying why`);
  assert.equal(error.isOutage, true);
});

test('a server that is down or answers 5xx is passed over, and the one that works is asked first from then on', async (context) => {
  const [port = 0] = await freePorts(1);
  const [broken, good] = [await startStub(context), await startStub(context)];
  broken.handler = (_request, response) => refuse(response, 500, 'InternalError');
  const { client } = await clientFor(context, [`https://127.0.0.1:${port}`, broken.url, good.url]);
  await client.request({ method: 'GET', path: '/one' });
  await client.request({ method: 'GET', path: '/two' });
  assert.deepEqual([broken.requests.length, good.requests.length], [1, 2]);
  assert.equal(client.contact.server, good.url);
});

test('a page of a load balancer and a redirect are no answers of an API server: another one is asked', async (context) => {
  const [balancer, good] = [await startStub(context), await startStub(context)];
  const { client } = await clientFor(context, [balancer.url, good.url]);
  for (const status of [200, 302, 404, 503]) {
    balancer.handler = (_request, response) =>
      response.writeHead(status, { 'content-type': 'text/html', location: 'https://login.example/' }).end('<html>');
    const { client: alone } = await clientFor(context, [balancer.url]);
    const error = await failureOf(alone.request({ method: 'GET', path: '/x' }));
    assert.deepEqual([error.isOutage, error.isExpired], [true, false], String(status));
    assert.match(error.message, new RegExp(`answered ${status} with .*text/html`));
    const watch = await failureOf(alone.stream({ method: 'GET', path: '/x', idleMs: 0 }));
    assert.match(watch.message, /is this an API server\?/, 'nor does a watch begin');
    await client.request({ method: 'GET', path: '/x' });
  }
  assert.equal(client.contact.server, good.url);
});

test('an API server at an IPv6 address is reached, and its certificate checked', async (context) => {
  const [good, foreign] = [
    await startStub(context, { address: '::1', names: ['::1'] }),
    await startStub(context, { address: '::1', names: ['::2'] }),
  ];
  const { client } = await clientFor(context, [good.url]);
  await client.request({ method: 'GET', path: '/x' });
  assert.match(client.contact.server ?? '', /^https:\/\/\[::1\]:\d+$/);
  const { client: other } = await clientFor(context, [foreign.url]);
  assert.equal((await failureOf(other.request({ method: 'GET', path: '/x' }))).reason, 'Untrusted');
});

test('what the server decided (403, 404, 409, 410, 429) is not asked of another one', async (context) => {
  const [first, second] = [await startStub(context), await startStub(context)];
  const { client } = await clientFor(context, [first.url, second.url]);
  for (const code of [403, 404, 409, 410, 429]) {
    first.handler = (_request, response) => refuse(response, code, 'No');
    assert.equal((await failureOf(client.request({ method: 'GET', path: '/x' }))).status, code);
  }
  assert.equal(second.requests.length, 0);
});

test('a write is repeated on another server only if it cannot have arrived', async (context) => {
  const [port = 0] = await freePorts(1);
  const [broken, good] = [await startStub(context), await startStub(context)];
  broken.handler = (_request, response) => response.destroy();
  const patch = { method: 'PATCH', path: '/x', body: [], contentType: 'application/json-patch+json' } as const;
  const { client } = await clientFor(context, [broken.url, good.url]);
  assert.equal((await failureOf(client.request(patch))).status, 0);
  assert.equal(good.requests.length, 0, 'the first server may have done it');
  const { client: other } = await clientFor(context, [`https://127.0.0.1:${port}`, good.url]);
  await other.request(patch);
  assert.equal(good.requests.length, 1);
});

test('a silent server is given up after the timeout', async (context) => {
  const stub = await startStub(context);
  stub.handler = () => undefined;
  const { client } = await clientFor(context, [stub.url]);
  const error = await failureOf(client.request({ method: 'GET', path: '/api', timeoutMs: 50 }));
  assert.deepEqual([error.status, error.reason], [0, 'Timeout']);
});

test('a caller that gives up ends the request', async (context) => {
  const stub = await startStub(context);
  const abort = new AbortController();
  stub.handler = () => abort.abort();
  const { client } = await clientFor(context, [stub.url, stub.url]);
  const error = await failureOf(client.request({ method: 'GET', path: '/api', signal: abort.signal }));
  assert.equal(error.reason, 'Aborted');
  assert.equal(stub.requests.length, 1);
});

test('a server whose certificate another authority signed, or for another name, gets no request', async (context) => {
  const foreign = await startStub(context, { ca: await makeCa('somebody else') });
  const named = await startStub(context, { names: ['api.example'] });
  for (const url of [foreign.url, named.url]) {
    const { client } = await clientFor(context, [url]);
    const error = await failureOf(client.request({ method: 'GET', path: '/api' }));
    assert.deepEqual([error.status, error.reason], [0, 'Untrusted']);
    assert.match(error.message, /certificate.*tls-server-name/);
  }
  assert.deepEqual([foreign.requests, named.requests], [[], []]);
  const { client } = await clientFor(context, [named.url], undefined, { 'tls-server-name': 'api.example' });
  await client.request({ method: 'GET', path: '/api' });
  assert.equal(named.requests.length, 1, 'tls-server-name says what to check instead');
});

test('a renewed token file is used from the next request on, and one that is away for a moment is not missed', async (context) => {
  const stub = await startStub(context);
  const { client, kubeconfig, tick } = await clientFor(context, [stub.url], { tokenFile: 'token' });
  const file = path.join(path.dirname(kubeconfig), 'token');
  assert.equal((await failureOf(client.request({ method: 'GET', path: '/0' }))).reason, 'NoAccess');
  writeFileSync(file, 'one\n');
  await client.request({ method: 'GET', path: '/1' });
  rmSync(file);
  tick();
  await client.request({ method: 'GET', path: '/2' });
  assert.match(client.accessFault ?? '', /^$/);
  writeFileSync(`${file}.new`, 'two\n');
  renameSync(`${file}.new`, file);
  tick();
  await client.request({ method: 'GET', path: '/3' });
  assert.deepEqual(
    stub.requests.map(({ token }) => token),
    ['one', 'one', 'two'],
  );
});

test('a token that was refused is read again at once', async (context) => {
  const stub = await startStub(context);
  const { client, kubeconfig } = await clientFor(context, [stub.url], { tokenFile: 'token' });
  const file = path.join(path.dirname(kubeconfig), 'token');
  writeFileSync(file, 'old');
  stub.handler = (request, response) =>
    request.token === 'new' ? respond(response, 200, {}) : refuse(response, 401, 'Unauthorized');
  assert.equal((await failureOf(client.request({ method: 'GET', path: '/1' }))).status, 401);
  assert.equal(stub.requests.length, 1, 'the same token is not tried twice');
  writeFileSync(file, 'newer');
  writeFileSync(file, 'new');
  await client.request({ method: 'GET', path: '/2' });
  assert.equal(stub.requests.at(-1)?.token, 'new');
});

test('a renewed client certificate is used from the next request on', async (context) => {
  const stub = await startStub(context);
  const user = { 'client-certificate': 'node.crt', 'client-key': 'node.key' };
  const { client, kubeconfig, tick } = await clientFor(context, [stub.url], user);
  for (const name of ['first.node', 'second.node']) {
    const { certificatePem, privateKeyPem } = await (await stubCa()).issue({ names: [name] });
    writeFileSync(path.join(path.dirname(kubeconfig), 'node.crt'), certificatePem);
    writeFileSync(path.join(path.dirname(kubeconfig), 'node.key'), privateKeyPem);
    tick();
    await client.request({ method: 'GET', path: '/' });
  }
  assert.deepEqual(stub.clients, ['first.node', 'second.node']);
});

test('a server with a certificate of a new authority is refused until the authority is renewed too', async (context) => {
  const [port = 0] = await freePorts(1);
  const old = await startStub(context, { port });
  const { client, kubeconfig, tick } = await clientFor(context, [old.url], undefined, {
    'certificate-authority-data': undefined,
    'certificate-authority': 'ca.crt',
  });
  const file = path.join(path.dirname(kubeconfig), 'ca.crt');
  writeFileSync(file, (await stubCa()).certificatePem);
  await client.request({ method: 'GET', path: '/1' });
  await old.stop();
  const ca = await makeCa('the renewed one');
  const renewed = await startStub(context, { port, ca });
  assert.equal((await failureOf(client.request({ method: 'GET', path: '/2' }))).reason, 'Untrusted');
  assert.deepEqual(renewed.requests, []);
  writeFileSync(file, ca.certificatePem);
  tick();
  await client.request({ method: 'GET', path: '/3' });
  assert.equal(renewed.requests.length, 1);
});

test('streams to servers of a replaced kubeconfig end as soon as a new server has answered, not before', async (context) => {
  const [old, fresh] = [await startStub(context), await startStub(context)];
  const { client, kubeconfig, tick } = await clientFor(context, [old.url]);
  old.handler = (_request, response) => response.write('x');
  const stream = await client.stream({ method: 'GET', path: '/watch', idleMs: 0 });
  let ended = false;
  const end = failureOf(
    (async () => {
      for await (const _chunk of stream) continue;
    })(),
  ).finally(() => (ended = true));
  const ca = Buffer.from((await stubCa()).certificatePem).toString('base64');
  writeFileSync(kubeconfig, kubeconfigText({ server: fresh.url, 'certificate-authority-data': ca }, { token: 'x' }));
  tick();
  fresh.handler = (_request, response) => response.destroy();
  await failureOf(client.request({ method: 'GET', path: '/1' }));
  assert.equal(ended, false, 'the new one does not work yet');
  fresh.handler = (_request, response) => respond(response, 200, {});
  await client.request({ method: 'GET', path: '/2' });
  assert.equal((await end).reason, 'Interrupted');
});

test('a kubeconfig that becomes unusable leaves the good data in use, and is told', async (context) => {
  const [first, second] = [await startStub(context), await startStub(context)];
  const { client, kubeconfig, tick } = await clientFor(context, [first.url]);
  await client.request({ method: 'GET', path: '/1' });
  writeFileSync(kubeconfig, kubeconfigText({ server: 'http://plain' }, {}));
  tick();
  await client.request({ method: 'GET', path: '/2' });
  assert.match(client.accessFault ?? '', /write https/);
  const ca = Buffer.from((await stubCa()).certificatePem).toString('base64');
  writeFileSync(kubeconfig, kubeconfigText({ server: second.url, 'certificate-authority-data': ca }, { token: 'x' }));
  tick();
  await client.request({ method: 'GET', path: '/3' });
  assert.deepEqual([first.requests.length, second.requests.length], [2, 1]);
});

test('a stream gives the bytes as they come and ends with the server', async (context) => {
  const stub = await startStub(context);
  stub.handler = (_request, response) => {
    response.write('one\n');
    setImmediate(() => response.end('two\n'));
  };
  const { client } = await clientFor(context, [stub.url]);
  let text = '';
  for await (const chunk of await client.stream({ method: 'GET', path: '/watch', idleMs: 0 })) text += chunk.toString();
  assert.equal(text, 'one\ntwo\n');
});

test('a stream that breaks, falls silent or is closed by its holder ends in an ApiError', async (context) => {
  const stub = await startStub(context);
  const { client } = await clientFor(context, [stub.url]);
  const read = async (idleMs: number, act: (stream: { close(): void }) => void): Promise<ApiError> => {
    const stream = await client.stream({ method: 'GET', path: '/watch', idleMs });
    return failureOf(
      (async () => {
        for await (const _chunk of stream) act(stream);
      })(),
    );
  };
  stub.handler = (_request, response) => response.write('x');
  assert.equal((await read(0, (stream) => stream.close())).reason, 'Aborted');
  assert.equal((await read(50, () => undefined)).reason, 'Timeout');
  stub.handler = (_request, response) => response.write('x', () => response.destroy());
  assert.equal((await read(0, () => undefined)).status, 0);
});

test('no error of a request shows the token', async (context) => {
  const stub = await startStub(context);
  stub.handler = (_request, response) => refuse(response, 403, 'Forbidden');
  const { client } = await clientFor(context, [stub.url], { token: 's3cret-token' });
  const refused = await failureOf(client.request({ method: 'GET', path: '/api' }));
  await stub.stop();
  const unreachable = await failureOf(client.request({ method: 'GET', path: '/api' }));
  assert.doesNotMatch(inspect([refused, unreachable, client], { depth: 12 }), /s3cret/);
});

test('a server that sends back the credentials it got brings them into no error', async (context) => {
  const stub = await startStub(context);
  const token = 'first-"token"';
  stub.handler = ({ token: got }, response) =>
    respond(response, 403, {
      kind: 'Status',
      reason: `Forbidden Bearer ${got}`,
      message: `Authorization: Bearer ${got}`,
      details: { causes: [{ message: got }] },
    });
  const { client } = await clientFor(context, [stub.url], { token });
  const error = await failureOf(client.request({ method: 'GET', path: '/api/v1/pods' }));
  assert.equal(stub.requests[0]?.token, token);
  assert.equal(error.message, 'Authorization: Bearer [redacted]');
  assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes('first-'), inspect(error, { depth: 10 }));
});

test('files with a secret in them that everybody may read are told, until they may not', async (context) => {
  const ca = Buffer.from((await stubCa()).certificatePem).toString('base64');
  const kubeconfig = writeKubeconfig(context, { server: 'https://a:1', 'certificate-authority-data': ca });
  const told: (readonly string[])[] = [];
  const clock = { now: 0 };
  const access = new AccessFile({ kubeconfig, onExposed: (files) => told.push(files) }, () => clock.now);
  const look = (mode: number): void => {
    chmodSync(kubeconfig, mode);
    clock.now += 1_000;
    access.current();
  };
  look(0o600);
  assert.deepEqual(told, []);
  for (const mode of [0o644, 0o604, 0o640, 0o602]) look(mode);
  assert.deepEqual(told, [[kubeconfig], [], [kubeconfig]]);
  writeFileSync(kubeconfig, kubeconfigText({ server: 'https://a:1', 'certificate-authority-data': ca }, {}));
  look(0o644);
  assert.deepEqual(told.at(-1), [], 'without a secret in it');
});
