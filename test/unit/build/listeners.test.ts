import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { certificateFiles, createBuilder } from '#gateway/control/build/builder.ts';
import type { Certificate } from '#gateway/snapshot/certificate.ts';
import { makeCa, type TestCa } from '#test/kit/certificates.ts';
import {
  buildFrom,
  codesOf,
  gateway,
  httpServer,
  IDENTITY,
  resourcesFrom,
  routesOf,
  virtualService,
} from './from-yaml.ts';

let ca: TestCa;
let certificate: Certificate;
before(async () => {
  ca = await makeCa();
  certificate = await ca.issue({ names: ['a.example', '*.b.example'] });
});

const httpsServer = (hosts: readonly string[], tls = 'credentialName: cert', port = 443, name = `https-${port}`) =>
  `{port: {number: ${port}, name: ${name}, protocol: HTTPS}, hosts: ${JSON.stringify(hosts)}, tls: {mode: SIMPLE, ${tls}}}`;

function secret(name: string, namespace: string): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return `
apiVersion: v1
kind: Secret
metadata: {name: ${name}, namespace: ${namespace}}
type: kubernetes.io/tls
data: {tls.crt: ${base64(certificate.certificatePem)}, tls.key: ${base64(certificate.privateKeyPem)}}
---`;
}

describe('ports', () => {
  test('every configured port has a listener without any Gateway, and says where to put objects', () => {
    const { units, problems } = buildFrom('');
    assert.deepEqual(Object.keys(units.listeners), ['http.31380', 'https.31390']);
    assert.match(units.listeners['http.31380']?.emptyHint ?? '', /\/etc\/mesh-gateway\/routes\.d/);
    assert.deepEqual(problems, []);
  });

  test('a Gateway port of 1024 and above without a node port is served on the same number, with a warning', () => {
    const result = buildFrom(gateway([httpServer(['*'], 8080)]));
    assert.deepEqual(result.units.listeners['http.8080']?.nodePorts, [8080]);
    assert.deepEqual(codesOf(result), ['warning MG1101 spec.servers[0].port.number']);
  });

  test('a Gateway port below 1024 without a node port is an error that says which line to add', () => {
    const result = buildFrom(gateway([httpServer(['*'], 90)]));
    assert.deepEqual(codesOf(result), ['error MG1101 spec.servers[0].port.number']);
    assert.match(result.problems[0]?.message ?? '', /"90: \d+".* under ports: in gateway\.yaml/);
  });

  test("the appliance's own ports are not given away", () => {
    const result = buildFrom(gateway([httpServer(['*'], 15021)]));
    assert.deepEqual(codesOf(result), ['error MG1102 spec.servers[0].port.number']);
    assert.match(result.problems[0]?.message ?? '', /the health check/);
    assert.equal(result.units.listeners['http.15021'], undefined);
  });

  test('a Gateway port that is the node port of another joins its listener', () => {
    const result = buildFrom(gateway([httpServer(['*'], 31380)]) + virtualService({ hosts: ['*'] }));
    assert.deepEqual(Object.keys(result.units.listeners), ['http.31380', 'https.31390']);
    assert.deepEqual(routesOf(result, 'http.31380|*'), ['vs']);
  });

  test('the first protocol of a port stays, the other server raises a Problem', () => {
    const yaml =
      gateway([httpServer(['*'])], 'a') + gateway([httpsServer(['x.example'], 'credentialName: c', 80)], 'b');
    const result = buildFrom(yaml);
    assert.equal(result.units.listeners['http.31380']?.protocol, 'HTTP');
    assert.deepEqual(codesOf(result), ['error IST0145 spec.servers[0].port.protocol']);
    assert.equal(result.problems[0]?.object?.name, 'b');
  });

  test('the older Gateway comes first, whatever its name', () => {
    const dated = (time: string) => `, creationTimestamp: "${time}"`;
    const yaml =
      gateway([httpServer(['*'])], 'a', dated('2025-01-01T00:00:00Z')) +
      gateway([httpsServer(['x.example'], 'credentialName: c', 80)], 'b', dated('2024-01-01T00:00:00Z'));
    assert.equal(buildFrom(yaml).units.listeners['https.31380']?.protocol, 'HTTPS');
  });

  test('plain HTTP may be asked of 443', () => {
    assert.equal(buildFrom(gateway([httpServer(['*'], 443)])).units.listeners['http.31390']?.protocol, 'HTTP');
  });
});

describe('certificates', () => {
  const yaml = () => gateway([httpsServer(['a.example', '*.b.example'])]);

  test("are found in the gateway's namespace, before the one beside the Gateway", () => {
    const { units, problems } = buildFrom(yaml() + secret('cert', 'default') + secret('cert', 'istio-system'));
    assert.deepEqual(problems, []);
    assert.deepEqual(units.listeners['https.31390']?.tls, [
      {
        key: 'default/gw/https-443',
        hosts: ['*.b.example', 'a.example'],
        certificate: 'istio-system/cert',
        minVersion: 'TLSv1.2',
        maxVersion: 'TLSv1.3',
      },
    ]);
    const { privateKeyPem, fingerprint, names } = units.certificates['istio-system/cert'] as Certificate;
    assert.equal(fingerprint, certificate.fingerprint);
    assert.equal(privateKeyPem.trim(), certificate.privateKeyPem.trim());
    assert.deepEqual(names.toSorted(), ['*.b.example', 'a.example']);
  });

  test('are found beside the Gateway', () => {
    assert.deepEqual(Object.keys(buildFrom(yaml() + secret('cert', 'default')).units.certificates), ['default/cert']);
    assert.deepEqual(Object.keys(buildFrom(yaml() + secret('cert', 'other')).units.certificates), []);
  });

  test('a missing Secret refuses its own hosts only', () => {
    const bad = httpsServer(['c.example'], 'credentialName: missing', 443, 'bad');
    const result = buildFrom(gateway([bad, httpsServer(['a.example'])]) + secret('cert', 'default'));
    assert.deepEqual(codesOf(result), ['error IST0101 spec.servers[0].tls.credentialName']);
    assert.match(result.problems[0]?.message ?? '', /c\.example.*istio-system\/missing or default\/missing/);
    assert.deepEqual(
      result.units.listeners['https.31390']?.tls.map(({ key }) => key),
      ['default/gw/https-443'],
    );
  });

  test('a TLS host that two servers name stays with the first; the rest of the second is served', () => {
    const second = gateway([httpsServer(['a.example', 'c.example'])], 'second');
    const result = buildFrom(
      yaml() + second + secret('cert', 'default') + virtualService({ hosts: ['*'], gateways: ['second'] }),
    );
    assert.deepEqual(codesOf(result), ['error IST0145 spec.servers[0].hosts[0]']);
    assert.deepEqual(
      result.units.listeners['https.31390']?.tls.map(({ hosts }) => hosts),
      [['*.b.example', 'a.example'], ['c.example']],
    );
    assert.deepEqual(Object.keys(result.units.virtualHosts), ['https.31390|c.example']);
  });

  test('come from files that the caller has read', () => {
    const files = 'serverCertificate: /etc/tls/cert.pem, privateKey: /etc/tls/key.pem';
    const resources = resourcesFrom(gateway([httpsServer(['a.example'], files)]));
    assert.deepEqual(certificateFiles(resources.values()), ['/etc/tls/cert.pem', '/etc/tls/key.pem']);
    const builder = createBuilder();
    const missing = builder.build({ resources, gateway: IDENTITY });
    assert.deepEqual(codesOf(missing), ['error IST0161 spec.servers[0].tls.serverCertificate']);
    const read = new Map([
      ['/etc/tls/cert.pem', certificate.certificatePem],
      ['/etc/tls/key.pem', certificate.privateKeyPem],
    ]);
    const { units, problems } = builder.build({ resources, gateway: IDENTITY, files: read });
    assert.deepEqual(problems, []);
    assert.equal(units.certificates['file:/etc/tls/cert.pem']?.fingerprint, certificate.fingerprint);
    const other = builder.build({
      resources,
      gateway: IDENTITY,
      files: new Map([...read, ['/etc/tls/key.pem', 'no']]),
    });
    assert.deepEqual(codesOf(other), ['error IST0161 spec.servers[0].tls.serverCertificate']);
  });

  test('no message holds a private key', () => {
    const { problems } = buildFrom(
      gateway([httpsServer(['x.example'], 'credentialName: absent')]) + secret('cert', 'default'),
    );
    assert.ok(!JSON.stringify(problems).includes('PRIVATE KEY'));
  });
});

describe('httpsRedirect', () => {
  const redirecting = (hosts: readonly string[], port = 80) => httpServer(hosts, port, ', tls: {httpsRedirect: true}');

  test('makes a virtual host even without a VirtualService, towards the public port of the pair', () => {
    const { units } = buildFrom(gateway([redirecting(['a.example'])]));
    assert.deepEqual(units.virtualHosts['http.31380|a.example'], {
      key: 'http.31380|a.example',
      listener: 'http.31380',
      domain: 'a.example',
      httpsRedirect: { ports: { 31380: 31390 } },
      routes: [],
    });
  });

  test('leads each node port to the one at the same place', () => {
    const ports = [
      { gatewayPort: 80, nodePorts: [31380, 80, 8000] },
      { gatewayPort: 443, nodePorts: [31390, 443] },
    ];
    const { units } = buildFrom(gateway([redirecting(['*'])]), { ports });
    assert.deepEqual(units.virtualHosts['http.31380|*']?.httpsRedirect?.ports, { 31380: 31390, 80: 443, 8000: 31390 });
  });

  test("prefers the Gateway's own HTTPS server over the port of 443", () => {
    const ports = [...IDENTITY.ports, { gatewayPort: 9443, nodePorts: [31443] }];
    const yaml = gateway([redirecting(['*']), httpsServer(['a.example'], 'credentialName: cert', 9443)]);
    const { units } = buildFrom(yaml + secret('cert', 'default'), { ports });
    assert.deepEqual(units.virtualHosts['http.31380|*']?.httpsRedirect?.ports, { 31380: 31443 });
  });

  test('holds for every narrower host of a VirtualService too', () => {
    const { units } = buildFrom(gateway([redirecting(['*.example'])]) + virtualService({ hosts: ['a.example'] }));
    const hosts = Object.values(units.virtualHosts).map(({ domain, httpsRedirect }) => [
      domain,
      httpsRedirect !== undefined,
    ]);
    assert.deepEqual(hosts, [
      ['*.example', true],
      ['a.example', true],
    ]);
  });

  test('without any HTTPS port it leads to the default one and says so', () => {
    const result = buildFrom(gateway([redirecting(['*'])]), { ports: [{ gatewayPort: 80, nodePorts: [31380] }] });
    assert.deepEqual(result.units.virtualHosts['http.31380|*']?.httpsRedirect, { ports: {} });
    assert.deepEqual(codesOf(result), ['error MG1103 spec.servers[0].tls.httpsRedirect']);
  });
});
