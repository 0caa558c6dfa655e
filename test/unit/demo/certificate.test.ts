import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { makeAuthority, makeServerCertificate } from '#gateway/demo/certificate.ts';

test('a server certificate has exactly the names asked for and is signed by the authority', async () => {
  const authority = await makeAuthority('test authority');
  const names = ['localhost', '127.0.0.1', '::1', 'node-7.example', '2001:db8::7'];
  const made = await makeServerCertificate(authority, names);
  const leaf = new X509Certificate(made.certificatePem);
  const ca = new X509Certificate(authority.certificatePem);

  assert.ok(ca.ca);
  assert.ok(!leaf.ca);
  assert.ok(leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
  assert.ok(leaf.checkPrivateKey(createPrivateKey(made.privateKeyPem)));
  assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.equal(leaf.subjectAltName?.split(', ').length, names.length);
  for (const name of ['localhost', 'node-7.example']) assert.equal(leaf.checkHost(name), name);
  for (const address of ['127.0.0.1', '::1', '2001:db8::7']) assert.equal(leaf.checkIP(address), address);
});

test('a server certificate lasts less than the 398 days that browsers accept, and is valid on a clock that is behind', async () => {
  const authority = await makeAuthority('test authority');
  const leaf = new X509Certificate((await makeServerCertificate(authority, ['localhost'])).certificatePem);
  const days = (leaf.validToDate.getTime() - leaf.validFromDate.getTime()) / (24 * 3_600_000);
  assert.ok(days < 398 && days > 390, `${days} days`);
  assert.ok(leaf.validFromDate.getTime() < Date.now() - 3_000_000);
});
