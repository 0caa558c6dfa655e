import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { Certificate } from '#gateway/snapshot/certificate.ts';
import { makeCa } from '../../kit/certificates.ts';
import { brief, readOne } from './reading.ts';

let first: Certificate;
let second: Certificate;
before(async () => {
  const ca = await makeCa();
  first = await ca.issue({ names: ['a.example', '*.A.example', '127.0.0.1'] });
  second = await ca.issue({ names: ['b.example'], algorithm: 'rsa' });
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A Secret; `data` is base64 of each value. */
function secret(data: Record<string, string>, type = 'kubernetes.io/tls'): string {
  const entries = Object.entries(data).map(([name, value]) => `  ${name}: ${base64(value)}\n`);
  return `apiVersion: v1\nkind: Secret\nmetadata: {name: cert}\ntype: ${type}\ndata:\n${entries.join('')}`;
}

function tlsOf(text: string) {
  const { resource, problems } = readOne(text);
  assert.deepEqual(brief(problems), []);
  assert.ok(resource?.kind === 'Secret');
  return resource.spec.tls;
}

describe('a certificate', () => {
  test('is read from data and from stringData, under either pair of names', () => {
    const texts = [
      secret({ 'tls.crt': first.certificatePem, 'tls.key': first.privateKeyPem }),
      secret({ cert: first.certificatePem, key: first.privateKeyPem }, 'Opaque'),
      `apiVersion: v1\nkind: Secret\nmetadata: {name: cert}\nstringData: ${JSON.stringify({ 'tls.crt': first.certificatePem, 'tls.key': first.privateKeyPem })}\n`,
    ];
    for (const text of texts) {
      const tls = tlsOf(text);
      assert.equal(tls?.certificatePem, first.certificatePem);
      assert.equal(tls?.privateKey.reveal(), first.privateKeyPem);
      assert.equal(tls?.fingerprint, first.fingerprint);
      assert.deepEqual(tls?.names, ['a.example', '*.a.example', '127.0.0.1']);
      assert.deepEqual([tls?.notBefore, tls?.notAfter], [first.notBefore, first.notAfter]);
    }
  });

  test('its key prints as [redacted]', () => {
    const { resource } = readOne(secret({ 'tls.crt': first.certificatePem, 'tls.key': first.privateKeyPem }));
    assert.ok(resource?.kind === 'Secret');
    const key = resource.spec.tls?.privateKey;
    for (const printed of [JSON.stringify(resource), inspect(resource, { depth: 9, showHidden: true }), String(key)]) {
      assert.match(printed, /\[redacted\]/);
      assert.doesNotMatch(printed, /PRIVATE KEY/);
    }
  });

  test('must belong to its key', () => {
    const { problems, resource } = readOne(
      secret({ 'tls.crt': first.certificatePem, 'tls.key': second.privateKeyPem }),
    );
    assert.deepEqual(brief(problems), ['7:3 error IST0161 data["tls.key"]']);
    assert.equal(resource, undefined);
  });

  test('and key must be PEM that can be read', () => {
    const broken = first.certificatePem.replace(/[A-Za-z]{20}/, 'A'.repeat(20));
    const cases: [Record<string, string>, string][] = [
      [{ 'tls.crt': 'hello', 'tls.key': first.privateKeyPem }, '6:3 error IST0161 data["tls.crt"]'],
      [{ 'tls.crt': broken.slice(0, 200), 'tls.key': first.privateKeyPem }, '6:3 error IST0161 data["tls.crt"]'],
      [{ 'tls.crt': first.certificatePem, 'tls.key': 'hello' }, '7:3 error IST0161 data["tls.key"]'],
      [
        {
          'tls.crt': first.certificatePem,
          'tls.key': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
        },
        '7:3 error IST0161 data["tls.key"]',
      ],
      [{ 'tls.crt': first.certificatePem }, '1:1 error IST0106'],
    ];
    for (const [data, expected] of cases) assert.deepEqual(brief(readOne(secret(data)).problems), [expected]);
  });
});

describe('messages', () => {
  test('never hold what is in a Secret', () => {
    const texts = [
      secret({ 'tls.crt': 'hunter2', 'tls.key': 'hunter2' }),
      'apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: hunter2!, b: 7331, c: [hunter2], hunter: {d: hunter2}}\n',
      'apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: hunter2\n',
      'apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {tls.crt: hunter2, tls.key: hunter2}\n',
    ];
    for (const text of texts) {
      const { problems } = readOne(text);
      assert.ok(problems.length > 0);
      assert.doesNotMatch(problems.map(({ message }) => message).join('\n'), /hunter2|7331|aHVudGVy/);
    }
  });
});

test('a Secret of another kind holds no certificate, without a problem', () => {
  assert.equal(tlsOf(secret({ password: 'x' }, 'Opaque')), undefined);
});
