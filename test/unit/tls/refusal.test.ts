import assert from 'node:assert/strict';
import { it } from 'node:test';
import { refusalBytes, refusalOf } from '#gateway/proxy/tls/refusal.ts';

it('sorts what Node reports of failed handshakes into the closed list', () => {
  const of = (code?: string): string => refusalOf(Object.assign(new Error('x'), code === undefined ? {} : { code }));
  assert.equal(of('ECONNRESET'), 'closed');
  assert.equal(of('ERR_TLS_HANDSHAKE_TIMEOUT'), 'timeout');
  assert.equal(of('ERR_SSL_UNSUPPORTED_PROTOCOL'), 'unsupported-protocol');
  assert.equal(of('ERR_SSL_NO_SHARED_CIPHER'), 'no-shared-cipher');
  assert.equal(of('ERR_SSL_NO_APPLICATION_PROTOCOL'), 'no-application-protocol');
  assert.equal(of('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), 'client-alert');
  assert.equal(of('ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN'), 'client-alert');
  assert.equal(of('ERR_SSL_WRONG_VERSION_NUMBER'), 'handshake-failed');
  assert.equal(of(), 'handshake-failed');
});

it('says good-bye in the language of the client', () => {
  assert.deepEqual(refusalBytes('unknown-server-name'), Buffer.from([21, 3, 3, 0, 2, 2, 112]));
  assert.match(refusalBytes('plain-http')?.toString() ?? '', /^HTTP\/1\.1 400/);
  assert.equal(refusalBytes('not-tls'), undefined);
  assert.equal(refusalBytes('closed'), undefined);
});
