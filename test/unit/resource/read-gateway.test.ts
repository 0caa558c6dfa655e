import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brief, readOne, specOf } from './reading.ts';

/** A Gateway with these servers; the first one starts in line 5, indented by two. */
function gateway(servers: string): string {
  return `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw, namespace: edge}\nspec: {selector: {istio: ingressgateway}, servers: [\n${servers.replaceAll(/^/gm, '  ')}]}\n`;
}

const port = (number: number, name: string, protocol: string) =>
  `port: {number: ${number}, name: ${name}, protocol: ${protocol}}`;

function problemsOf(servers: string): string[] {
  return brief(readOne(gateway(servers)).problems);
}

describe('servers', () => {
  test('HTTP and HTTPS are typed, hosts with their namespaces', () => {
    const spec = specOf(
      'Gateway',
      gateway(`{${port(80, 'http', 'HTTP')}, hosts: ["*"], tls: {httpsRedirect: true}},
{${port(443, 'https', 'https')}, name: secure, hosts: [shop/*.Example.com, ./b.example, "*/c.example"], tls: {
  mode: SIMPLE, credentialName: shop-cert, minProtocolVersion: TLSV1_3, cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256]}},
{${port(444, 'files', 'HTTPS')}, hosts: ["*"], tls: {mode: SIMPLE, serverCertificate: /etc/c.pem, privateKey: /etc/k.pem}}`),
    );
    assert.deepEqual(spec, {
      selector: { istio: 'ingressgateway' },
      unserved: [],
      servers: [
        {
          index: 0,
          port: { number: 80, name: 'http', protocol: 'HTTP' },
          hosts: [{ namespace: '*', host: '*' }],
          httpsRedirect: true,
        },
        {
          index: 1,
          name: 'secure',
          port: { number: 443, name: 'https', protocol: 'HTTPS' },
          hosts: [
            { namespace: 'shop', host: '*.example.com' },
            { namespace: 'edge', host: 'b.example' },
            { namespace: '*', host: 'c.example' },
          ],
          httpsRedirect: false,
          tls: {
            certificate: { kind: 'secret', name: 'shop-cert' },
            minVersion: 'TLSv1.3',
            maxVersion: 'TLSv1.3',
            cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'],
          },
        },
        {
          index: 2,
          port: { number: 444, name: 'files', protocol: 'HTTPS' },
          hosts: [{ namespace: '*', host: '*' }],
          httpsRedirect: false,
          tls: {
            certificate: { kind: 'file', certificate: '/etc/c.pem', privateKey: '/etc/k.pem' },
            minVersion: 'TLSv1.2',
            maxVersion: 'TLSv1.3',
          },
        },
      ],
    });
  });

  test('an absent or empty selector selects every gateway', () => {
    const server = `{${port(80, 'http', 'HTTP')}, hosts: ["*"]}`;
    for (const selector of ['', 'selector: {}, ', 'selector: null, ']) {
      const spec = specOf('Gateway', gateway(server).replace('selector: {istio: ingressgateway}, ', selector));
      assert.ok(!('selector' in spec));
    }
  });

  test('one that is not served yet is an error, is set aside, and the others serve', () => {
    const { resource, problems } = readOne(
      gateway(`{${port(80, 'http', 'HTTP')}, hosts: ["*"]},
{${port(443, 'a', 'TLS')}, hosts: [a.example], tls: {mode: PASSTHROUGH}},
{${port(444, 'b', 'HTTPS')}, hosts: [b.example], tls: {credentialName: x}},
{${port(31400, 'c', 'TCP')}, hosts: ["*"]}`),
    );
    assert.deepEqual(brief(problems), [
      '6:81 error MG0204 spec.servers[1].tls.mode',
      '7:76 error MG0204 spec.servers[2].tls',
      '8:45 error MG0204 spec.servers[3].port.protocol',
    ]);
    assert.ok(resource?.kind === 'Gateway');
    assert.deepEqual(
      resource.spec.servers.map(({ index }) => index),
      [0],
    );
    assert.deepEqual(
      resource.spec.unserved.map(({ index, hosts }) => [index, hosts[0]?.host]),
      [
        [1, 'a.example'],
        [2, 'b.example'],
        [3, '*'],
      ],
    );
  });

  test('HTTP/2 without TLS, and TLS read as HTTPS, are warnings', () => {
    assert.deepEqual(
      problemsOf(`{${port(80, 'a', 'HTTP2')}, hosts: ["*"]},
{${port(443, 'b', 'TLS')}, hosts: ["*"], tls: {mode: SIMPLE, credentialName: x}}`),
      ['5:42 warning MG0205 spec.servers[0].port.protocol', '6:43 warning MG0205 spec.servers[1].port.protocol'],
    );
  });

  test('faults: ports, names, protocols and hosts', () => {
    assert.deepEqual(
      problemsOf(`{${port(0, 'a', 'HTTP')}, hosts: ["*"]},
{port: {number: 81, protocol: HTPP}, hosts: ["x/y/z", "Nope!/a.example"]},
{${port(82, 'same', 'HTTP')}, hosts: ["*"]},
{${port(83, 'same', 'HTTP')}},
{${port(84, 'same', 'HTTP')}, hosts: ["*"]}`),
      [
        '5:19 error IST0106 spec.servers[0].port.number',
        '6:33 error IST0106 spec.servers[1].port.protocol',
        '6:4 error IST0106 spec.servers[1].port.name',
        '6:48 error IST0106 spec.servers[1].hosts[0]',
        '6:57 error IST0106 spec.servers[1].hosts[1]',
        '8:3 error IST0106 spec.servers[3].hosts',
        '8:29 error IST0106 spec.servers[3].port.name',
        '9:29 error IST0106 spec.servers[4].port.name',
      ],
    );
  });
});

describe('tls', () => {
  const https = (tls: string) => problemsOf(`{${port(443, 'https', 'HTTPS')}, hosts: ["*"],\ntls: ${tls}}`);

  test('needs a certificate, known ciphers and versions that make sense', () => {
    assert.deepEqual(https('{mode: SIMPLE}'), ['6:3 error IST0106 spec.servers[0].tls']);
    assert.deepEqual(https('{mode: SIMPLE, credentialName: x, maxProtocolVersion: TLSV1_1}'), [
      '6:62 error MG0207 spec.servers[0].tls.maxProtocolVersion',
    ]);
    assert.deepEqual(
      https('{mode: SIMPLE, credentialName: x, minProtocolVersion: TLSV1_3, maxProtocolVersion: TLSV1_2}'),
      ['6:91 error IST0106 spec.servers[0].tls.maxProtocolVersion'],
    );
    assert.deepEqual(https('{mode: SIMPLE, credentialName: x, cipherSuites: [NULL-ISH]}'), [
      '6:57 warning IST0133 spec.servers[0].tls.cipherSuites[0]',
      '6:56 error MG0207 spec.servers[0].tls.cipherSuites',
    ]);
    const known = https('{mode: SIMPLE, credentialName: x, cipherSuites: [NULL-ISH, ECDHE-RSA-AES128-GCM-SHA256]}');
    assert.deepEqual(known, ['6:57 warning IST0133 spec.servers[0].tls.cipherSuites[0]']);
    assert.deepEqual(https('{mode: SIMPLE, credentialName: x, minProtocolVersion: TLSV1_0}'), [
      '6:62 warning MG0205 spec.servers[0].tls.minProtocolVersion',
    ]);
  });

  test('is needed on HTTPS and may only redirect on HTTP', () => {
    assert.deepEqual(problemsOf(`{${port(443, 'https', 'HTTPS')}, hosts: ["*"]}`), [
      '5:3 error IST0106 spec.servers[0]',
    ]);
    assert.deepEqual(
      problemsOf(`{${port(80, 'http', 'HTTP')}, hosts: ["*"], tls: {mode: SIMPLE, credentialName: x}}`),
      ['5:66 error IST0106 spec.servers[0].tls'],
    );
  });

  test('a second certificate is a warning: the first one serves', () => {
    assert.deepEqual(https('{mode: SIMPLE, credentialNames: [rsa, ecdsa]}'), [
      '6:23 warning MG0202 spec.servers[0].tls.credentialNames',
    ]);
  });

  test('conditions on client certificates are warnings: with SIMPLE nobody is asked for one', () => {
    assert.deepEqual(https('{mode: SIMPLE, credentialName: x, subjectAltNames: [a]}'), [
      '6:42 warning MG0202 spec.servers[0].tls.subjectAltNames',
    ]);
  });
});
