import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { CompileError } from '#gateway/proxy/compile-error.ts';
import type { Certificate } from '#gateway/snapshot/certificate.ts';
import { makeCa, type TestCa } from '#test/kit/certificates.ts';
import { eventually } from '#test/kit/eventually.ts';
import {
  anHttpsListener,
  aTlsServer,
  captureClientHello,
  type Harness,
  LISTENER,
  rawVisit,
  startTerminator,
  visit,
} from './tls-kit.ts';

const UNRECOGNIZED_NAME = Buffer.from([21, 3, 3, 0, 2, 2, 112]);
const MISSING_EXTENSION = Buffer.from([21, 3, 3, 0, 2, 2, 109]);

describe('TlsTerminator', () => {
  let ca: TestCa;
  let exact: Certificate;
  let wildcard: Certificate;
  let any: Certificate;
  let harness: Harness;

  before(async () => {
    ca = await makeCa();
    exact = await ca.issue({ names: ['app.example.com'] });
    wildcard = await ca.issue({ names: ['*.example.com'] });
    any = await ca.issue({ names: ['fallback.test', '127.0.0.1'], algorithm: 'rsa' });
    harness = await startTerminator();
    harness.load(
      anHttpsListener([
        aTlsServer({ hosts: ['app.example.com'], certificate: exact.key }),
        aTlsServer({ hosts: ['*.example.com'], certificate: wildcard.key }),
      ]),
      [exact, wildcard],
    );
  });
  after(() => harness.close());

  it('hands out a secure socket with what it knows', async () => {
    const seen = await visit(harness.port, {
      servername: 'app.example.com',
      ca: ca.certificatePem,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    assert.equal(seen.text, 'hello');
    assert.equal(seen.protocol, 'TLSv1.3');
    assert.equal(seen.alpn, 'http/1.1');
    const { transport, ...known } = harness.secured.at(-1) ?? {};
    assert.equal(transport?.localPort, harness.port);
    assert.deepEqual(known, {
      listener: LISTENER,
      nodePort: 31390,
      server: 'default/gateway/app.example.com',
      serverName: 'app.example.com',
    });
  });

  it('chooses by SNI: exact beats wildcard, in any case', async () => {
    const of = async (servername: string): Promise<string> =>
      (await visit(harness.port, { servername, ca: ca.certificatePem })).fingerprint;
    assert.equal(await of('app.example.com'), exact.fingerprint);
    assert.equal(await of('other.example.com'), wildcard.fingerprint);
    const upper = await visit(harness.port, {
      servername: 'APP.Example.Com',
      ca: ca.certificatePem,
      checkServerIdentity: () => undefined,
    });
    assert.equal(upper.fingerprint, exact.fingerprint);
    assert.equal(harness.secured.at(-1)?.serverName, 'app.example.com');
  });

  it('refuses an unknown and a missing server name by alert', async () => {
    const unknown = await captureClientHello({ servername: 'example.org' });
    assert.deepEqual(await rawVisit(harness.port, [unknown]), UNRECOGNIZED_NAME);
    assert.equal(harness.refused.at(-1), 'unknown-server-name');
    await assert.rejects(visit(harness.port, { servername: 'example.org' }), {
      code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    });
    const nameless = await captureClientHello({ host: '127.0.0.1' });
    assert.deepEqual(await rawVisit(harness.port, [nameless]), MISSING_EXTENSION);
    assert.equal(harness.refused.at(-1), 'no-server-name');
  });

  it('a `*` server takes unknown and missing server names', async () => {
    const other = await startTerminator();
    try {
      other.load(anHttpsListener([aTlsServer({ hosts: ['*'], certificate: any.key })]), [any]);
      assert.equal(
        (await visit(other.port, { servername: 'fallback.test', ca: ca.certificatePem })).fingerprint,
        any.fingerprint,
      );
      assert.equal((await visit(other.port, { ca: ca.certificatePem })).fingerprint, any.fingerprint);
      assert.equal(other.secured.at(-1)?.serverName, '');
    } finally {
      await other.close();
    }
  });

  it('takes sockets that were accepted paused', async () => {
    const paused = await startTerminator({ pauseOnConnect: true });
    try {
      paused.load(anHttpsListener([aTlsServer({ hosts: ['app.example.com'], certificate: exact.key })]), [exact]);
      assert.equal((await visit(paused.port, { servername: 'app.example.com', ca: ca.certificatePem })).text, 'hello');
    } finally {
      await paused.close();
    }
  });

  it('completes a handshake whose ClientHello comes byte by byte', async () => {
    const seen = await visitInPieces(harness.port, ca, 1);
    assert.equal(seen, 'hello');
  });

  it('three bytes from a client do not burn CPU and delay nobody', async () => {
    const idle = connect({ port: harness.port, host: '127.0.0.1' });
    await once(idle, 'connect');
    idle.write(Buffer.from([22, 3, 1]));
    await visit(harness.port, { servername: 'app.example.com', ca: ca.certificatePem });
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const used = process.cpuUsage(before);
    idle.destroy();
    assert.ok(used.user + used.system < 200_000, `${used.user + used.system} us of CPU in 400 ms of waiting`);
  });

  it('refuses garbage and answers plain HTTP in plain words', async () => {
    assert.equal((await rawVisit(harness.port, [Buffer.from([0x80, 0x2e, 1])])).length, 0);
    assert.equal(harness.refused.at(-1), 'not-tls');
    const answer = (await rawVisit(harness.port, [Buffer.from('GET / HTTP/1.1\r\n\r\n')])).toString();
    assert.match(answer, /^HTTP\/1\.1 400 .*https:/s);
    assert.equal(answer.split('\r\n\r\n')[1]?.length, 47);
    assert.equal(harness.refused.at(-1), 'plain-http');
  });

  it('refuses TLS 1.1', async () => {
    const old = {
      servername: 'app.example.com',
      ca: ca.certificatePem,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    } as const;
    await assert.rejects(visit(harness.port, old));
    await eventually(() => harness.refused.at(-1) === 'unsupported-protocol', {
      what: `refused ${harness.refused.at(-1)}`,
    });
  });

  it('obeys the versions of the TLS server', async () => {
    const modern = await startTerminator();
    try {
      modern.load(
        anHttpsListener([
          aTlsServer({ hosts: ['app.example.com'], certificate: exact.key, minVersion: 'TLSv1.3' }),
          aTlsServer({ hosts: ['*.example.com'], certificate: wildcard.key, maxVersion: 'TLSv1.2' }),
        ]),
        [exact, wildcard],
      );
      await assert.rejects(
        visit(modern.port, { servername: 'app.example.com', ca: ca.certificatePem, maxVersion: 'TLSv1.2' }),
      );
      const seen = await visit(modern.port, { servername: 'b.example.com', ca: ca.certificatePem });
      assert.equal(seen.protocol, 'TLSv1.2');
    } finally {
      await modern.close();
    }
  });

  it('counts a client that speaks no common protocol', async () => {
    await assert.rejects(
      visit(harness.port, { servername: 'app.example.com', ca: ca.certificatePem, ALPNProtocols: ['h2'] }),
    );
    await eventually(() => harness.refused.at(-1) === 'no-application-protocol');
  });

  it('gives up on a slow client after the handshake time, byte after byte or not', async () => {
    const hasty = await startTerminator({ handshakeMs: 150 });
    try {
      hasty.load(anHttpsListener([aTlsServer({ hosts: ['app.example.com'], certificate: exact.key })]), [exact]);
      const hello = await captureClientHello({ servername: 'app.example.com' });
      await rawVisit(hasty.port, [hello.subarray(0, 20)]);
      assert.deepEqual(hasty.refused, ['timeout']);
      await rawVisit(hasty.port, [hello]);
      assert.deepEqual(hasty.refused, ['timeout', 'timeout']);
    } finally {
      await hasty.close();
    }
  });

  it('a client that goes away early is counted once', async () => {
    const seen = harness.refused.length;
    const socket = connect({ port: harness.port, host: '127.0.0.1' });
    await once(socket, 'connect');
    socket.destroy();
    await eventually(() => harness.refused.length > seen);
    assert.deepEqual(harness.refused.slice(seen), ['closed']);
  });

  it('a ticket from one terminator is good in another with the same keys, and in no third', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const ticketKeys = randomBytes(48);
      const [first, second, third] = await Promise.all([
        startTerminator({ ticketKeys }),
        startTerminator({ ticketKeys }),
        startTerminator({ ticketKeys: randomBytes(48) }),
      ]);
      try {
        for (const each of [first, second, third])
          each.load(
            anHttpsListener([
              aTlsServer({ hosts: ['app.example.com'], certificate: exact.key }),
              aTlsServer({ hosts: ['*.example.com'], certificate: wildcard.key }),
            ]),
            [exact, wildcard],
          );
        const options = { servername: 'app.example.com', ca: ca.certificatePem, maxVersion };
        const { session } = await visit(first.port, options);
        assert.ok(session !== undefined);
        assert.equal((await visit(second.port, { ...options, session })).resumed, true, maxVersion);
        assert.equal((await visit(third.port, { ...options, session })).resumed, false, maxVersion);
        const elsewhere = await visit(second.port, { ...options, servername: 'b.example.com', session }).catch(
          (error: Error) => error,
        );
        assert.ok(elsewhere instanceof Error || !elsewhere.resumed, 'a ticket of one name must not open another');
      } finally {
        await Promise.all([first.close(), second.close(), third.close()]);
      }
    }
  });

  it('a client cannot renegotiate', async () => {
    harness.onSecure = (socket) => socket.resume();
    const socket = tlsConnect({
      port: harness.port,
      host: '127.0.0.1',
      servername: 'app.example.com',
      ca: ca.certificatePem,
      maxVersion: 'TLSv1.2',
    });
    try {
      await once(socket, 'secureConnect');
      const outcome = await new Promise((resolve) => {
        socket.once('error', resolve);
        socket.renegotiate({}, (error) => resolve(error));
      });
      assert.ok(outcome instanceof Error, 'the handshake was made anew');
    } finally {
      harness.onSecure = (socket) => socket.end('hello');
      socket.destroy();
    }
  });

  it('20 MB go through both ways unharmed', async () => {
    const echo = await startTerminator();
    try {
      echo.load(anHttpsListener([aTlsServer({ hosts: ['app.example.com'], certificate: exact.key })]), [exact]);
      echo.onSecure = (socket) => socket.pipe(socket);
      const payload = randomBytes(20 * 1024 * 1024);
      const socket = tlsConnect({
        port: echo.port,
        host: '127.0.0.1',
        servername: 'app.example.com',
        ca: ca.certificatePem,
      });
      const hash = createHash('sha256');
      socket.on('data', (chunk: Buffer) => hash.update(chunk));
      socket.end(payload);
      await once(socket, 'end');
      assert.equal(hash.digest('hex'), createHash('sha256').update(payload).digest('hex'));
    } finally {
      await echo.close();
    }
  });

  it('a new version serves new certificates to new connections and leaves old ones alone', async () => {
    const changing = await startTerminator();
    try {
      changing.onSecure = (socket) => socket.pipe(socket);
      changing.load(anHttpsListener([aTlsServer({ hosts: ['app.example.com'], certificate: exact.key })]), [exact]);
      const old = tlsConnect({
        port: changing.port,
        host: '127.0.0.1',
        servername: 'app.example.com',
        ca: ca.certificatePem,
      });
      await once(old, 'secureConnect');
      const renewed = await ca.issue({ names: ['app.example.com'] });
      changing.load(anHttpsListener([aTlsServer({ hosts: ['app.example.com'], certificate: renewed.key })]), [renewed]);
      old.write('still here');
      assert.equal(String(await once(old, 'data')), 'still here');
      old.destroy();
      changing.onSecure = (socket) => socket.end();
      assert.equal(
        (await visit(changing.port, { servername: 'app.example.com', ca: ca.certificatePem })).fingerprint,
        renewed.fingerprint,
      );
    } finally {
      await changing.close();
    }
  });

  it('serves more names than it keeps contexts', async () => {
    const small = await startTerminator({ contextCacheSize: 1 });
    try {
      small.load(
        anHttpsListener([
          aTlsServer({ hosts: ['app.example.com'], certificate: exact.key }),
          aTlsServer({ hosts: ['*.example.com'], certificate: wildcard.key }),
        ]),
        [exact, wildcard],
      );
      for (const [servername, certificate] of [
        ['app.example.com', exact],
        ['b.example.com', wildcard],
        ['app.example.com', exact],
      ] as const) {
        assert.equal(
          (await visit(small.port, { servername, ca: ca.certificatePem })).fingerprint,
          certificate.fingerprint,
        );
      }
    } finally {
      await small.close();
    }
  });

  it('refuses a version with a bad certificate, a foreign key or an unknown cipher, and serves the old one on', async () => {
    const prepare = (certificate: Certificate, cipherSuites?: readonly string[]) => () => {
      const server = aTlsServer({
        hosts: ['app.example.com'],
        certificate: certificate.key,
        ...(cipherSuites && { cipherSuites }),
      });
      const listener = anHttpsListener([server]);
      return harness.terminator.prepare({ [listener.key]: listener }, { [certificate.key]: certificate });
    };
    const blames = (unit: string) => (error: unknown) => {
      assert.ok(error instanceof CompileError, String(error));
      assert.equal(error.unit, unit);
      assert.doesNotMatch(error.reason, /PRIVATE KEY/);
      return true;
    };
    const certificateUnit = `certificates/${exact.key}`;
    assert.throws(prepare({ ...exact, fingerprint: '1', certificatePem: 'no certificate' }), blames(certificateUnit));
    assert.throws(prepare({ ...exact, fingerprint: '2', privateKeyPem: 'no key' }), blames(certificateUnit));
    assert.throws(
      prepare({ ...exact, fingerprint: '3', privateKeyPem: wildcard.privateKeyPem }),
      blames(certificateUnit),
    );
    assert.throws(prepare(exact, ['NO-SUCH-CIPHER']), blames(`listeners/${LISTENER}`));
    const orphan = anHttpsListener([aTlsServer({ hosts: ['a'], certificate: 'none/such' })]);
    assert.throws(() => harness.terminator.prepare({ [orphan.key]: orphan }, {}), blames(`listeners/${LISTENER}`));
    assert.equal((await visit(harness.port, { servername: 'app.example.com', ca: ca.certificatePem })).text, 'hello');
  });

  it('a listener without TLS servers, or one that is gone, refuses every handshake', async () => {
    const empty = await startTerminator();
    try {
      const hello = await captureClientHello({ servername: 'app.example.com' });
      assert.deepEqual(await rawVisit(empty.port, [hello]), Buffer.alloc(0));
      empty.load(anHttpsListener([]), []);
      assert.deepEqual(await rawVisit(empty.port, [hello]), UNRECOGNIZED_NAME);
      assert.deepEqual(empty.refused, ['no-listener', 'unknown-server-name']);
    } finally {
      await empty.close();
    }
  });
});

/** A real client whose bytes pass a relay that cuts its first flight into pieces. */
async function visitInPieces(port: number, ca: TestCa, size: number): Promise<string> {
  const relay = createServer((client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    upstream.on('data', (chunk) => client.write(chunk));
    upstream.on('end', () => client.end());
    client.on('error', () => upstream.destroy());
    client.once('data', (chunk: Buffer) => {
      client.pause();
      const sendFrom = (start: number): void => {
        if (start < chunk.length) {
          upstream.write(chunk.subarray(start, start + size));
          setImmediate(sendFrom, start + size);
          return;
        }
        client.on('data', (more) => upstream.write(more));
        client.resume();
      };
      sendFrom(0);
    });
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const address = relay.address();
  assert.ok(typeof address === 'object' && address !== null);
  try {
    return (await visit(address.port, { servername: 'app.example.com', ca: ca.certificatePem })).text;
  } finally {
    relay.close();
  }
}
