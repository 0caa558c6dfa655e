import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyze } from '#gateway/control/resource/analyze.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import { makeCa } from '../../kit/certificates.ts';
import { brief, readAll, specOf } from './reading.ts';

const FIELD = 'spec.servers[0].tls';

function gateway(tls: string): string {
  return `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: ["*"]
    tls: {${tls}}
`;
}

function holding(kind: 'Secret' | 'ConfigMap', name: string, pem: string, namespace = 'istio-system'): string {
  const data = kind === 'Secret' ? 'stringData' : 'data';
  return `---
${JSON.stringify({ apiVersion: 'v1', kind, metadata: { name, namespace }, [data]: { 'ca.crt': pem } })}
`;
}

/** What is found about the CA; that the server is not served yet is told when it is read. */
function found(yaml: string, now?: number): string[] {
  return brief(problemsOf(yaml, now)).map((line) => line.replace(/^\S+ /, ''));
}

function problemsOf(yaml: string, now?: number): Problem[] {
  const resources = readAll(yaml).flatMap(({ resource }) => resource ?? []);
  const options = { gatewayNamespace: 'istio-system', scope: 'whole', ...(now !== undefined && { now }) } as const;
  return analyze(resources, options).filter(({ field }) => field?.startsWith(FIELD));
}

const NAMED = gateway('mode: MUTUAL, credentialName: web, caCertCredentialName: clients');
const BESIDE = gateway('mode: OPTIONAL_MUTUAL, credentialName: web');

test('the CA of clients is found in a Secret or ConfigMap of its name, or beside the certificate, where the gateway lives', async () => {
  const { certificatePem } = await makeCa();
  for (const [yaml, kind, name] of [
    [NAMED, 'Secret', 'clients'],
    [NAMED, 'ConfigMap', 'clients'],
    [BESIDE, 'Secret', 'web-cacert'],
    [BESIDE, 'Secret', 'web'],
  ] as const)
    assert.deepEqual(found(yaml + holding(kind, name, certificatePem)), [], `${kind} ${name}`);
  assert.deepEqual(found(NAMED), [`warning IST0101 ${FIELD}.caCertCredentialName`]);
  assert.deepEqual(found(BESIDE + holding('ConfigMap', 'web-cacert', certificatePem)), [
    `warning IST0101 ${FIELD}.credentialName`,
  ]);
  assert.deepEqual(found(NAMED + holding('ConfigMap', 'clients', certificatePem, 'default')), [
    `warning IST0101 ${FIELD}.caCertCredentialName`,
  ]);
  assert.deepEqual(found(gateway('mode: SIMPLE, credentialName: web')), []);
});

test('a CA that cannot be read, and one that has expired, are told without a word of what is in it', async () => {
  const { certificatePem } = await makeCa();
  const garbage = '-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n';
  for (const pem of ['secret', garbage, certificatePem + garbage])
    assert.deepEqual(found(NAMED + holding('ConfigMap', 'clients', pem)), [
      `warning IST0161 ${FIELD}.caCertCredentialName`,
    ]);
  const messages = problemsOf(NAMED + holding('ConfigMap', 'clients', certificatePem + garbage));
  assert.match(messages.map(({ message }) => message).join(), /ConfigMap istio-system\/clients.*certificate number 2/);
  assert.doesNotMatch(JSON.stringify(messages), /c2VjcmV0/);
  const inAHundredYears = Date.now() + 100 * 365 * 86_400_000;
  assert.deepEqual(found(NAMED + holding('ConfigMap', 'clients', certificatePem), inAHundredYears), [
    `warning MG0306 ${FIELD}.caCertCredentialName`,
  ]);
});

test('a Secret whose CA is empty or broken still shows its certificate', async () => {
  const { certificatePem, privateKeyPem } = await (await makeCa()).issue({ names: ['a.example'] });
  for (const ca of ['', 'broken']) {
    const stringData = { 'tls.crt': certificatePem, 'tls.key': privateKeyPem, 'ca.crt': ca };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'web' }, stringData };
    assert.ok(specOf('Secret', JSON.stringify(secret)).tls);
  }
});
