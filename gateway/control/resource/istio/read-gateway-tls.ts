import { getCiphers } from 'node:tls';
import { defined } from '../defined.ts';
import type { At } from '../reader/at.ts';
import { listOf } from '../reader/collections.ts';
import { type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { boolean, oneOf, orEmpty, plainText, text } from '../reader/scalars.ts';
import { hasEntries, inert, isThere, writtenIn } from '../reader/together.ts';
import { suggestion } from '../suggestion.ts';
import type { CertificateSource, GatewayTls } from './gateway.ts';
import { isDnsName } from './host-values.ts';

const VERSIONS = { TLS_AUTO: 0, TLSV1_0: 10, TLSV1_1: 11, TLSV1_2: 12, TLSV1_3: 13 } as const;

const secretName: Reader<string> = refine(plainText, (name, at) =>
  isDnsName(name)
    ? name
    : at.report({
        code: 'MG0207',
        message: `"${name}" is not a Secret's name: use its plain name, without namespace or prefix.`,
      }),
);

/** Unknown ones are left out, as in Istio: a newer list serves an older OpenSSL. */
const cipher: Reader<string> = refine(text, (name, at) => {
  if (cipherNames.has(name.toUpperCase())) return name.toUpperCase();
  return at.report({
    severity: 'warning',
    message: `"${name}" is not a cipher suite of this OpenSSL, and is left out; use its names, as ECDHE-RSA-AES128-GCM-SHA256.${suggestion(name, cipherNames)}`,
  });
});
const ciphers: Reader<readonly string[]> = refine(listOf(cipher), (names, at) => {
  const [first, ...others] = new Set(names);
  const twice = names.length - others.length - (first === undefined ? 0 : 1);
  if (twice > 0) at.report({ severity: 'warning', message: 'A cipher suite is there twice: keep one.' });
  // Istio falls back to its own list, which is more than was asked for.
  if (first === undefined && Array.isArray(at.value) && at.value.length > 0)
    return at.report({ code: 'MG0207', message: 'None of these cipher suites is known to this OpenSSL.' });
  return first === undefined ? [] : [first, ...others];
});
const cipherNames: ReadonlySet<string> = new Set(getCiphers().map((name) => name.toUpperCase()));

const keyPair = record({
  serverCertificate: required(plainText, "write the certificate's path"),
  privateKey: required(plainText, "write the key's path"),
});

const fields = record({
  httpsRedirect: boolean,
  mode: oneOf({
    PASSTHROUGH: 'PASSTHROUGH',
    SIMPLE: 'SIMPLE',
    MUTUAL: 'MUTUAL',
    AUTO_PASSTHROUGH: 'AUTO_PASSTHROUGH',
    ISTIO_MUTUAL: 'ISTIO_MUTUAL',
    OPTIONAL_MUTUAL: 'OPTIONAL_MUTUAL',
  } as const),
  serverCertificate: orEmpty(plainText),
  privateKey: orEmpty(plainText),
  credentialName: orEmpty(secretName),
  credentialNames: listOf(secretName, { max: 2 }),
  tlsCertificates: listOf(keyPair, { max: 2 }),
  minProtocolVersion: oneOf(VERSIONS),
  maxProtocolVersion: oneOf(VERSIONS),
  cipherSuites: ciphers,
});

/** What is written under `tls`, before it is known which protocol it is for. */
export type TlsFields = NonNullable<ReturnType<typeof fields>>;

/** `servers[].tls`. */
export const tlsFields: Reader<TlsFields> = fields;

/** What fields of `tls` ask of each other, on a port of TLS; `at` is the `tls`. */
export function checkTlsTogether(tls: TlsFields, at: At): void {
  const written = writtenIn(at);
  if (tls.httpsRedirect === true)
    at.child('httpsRedirect', true).reportKey({
      severity: 'warning',
      message: 'A port of TLS has nothing to redirect: write it on the server of the plain port.',
    });
  const sources = sourcesOf(tls);
  if (sources.length > 1) at.reportKey({ message: `One certificate is enough: keep one of ${sources.join(', ')}.` });
  // A credential brings its own list, if any; Istio does not look at this one then.
  const fromFile = !isThere(written, 'credentialName') && !hasEntries(written['credentialNames']);
  if (tls.mode === 'SIMPLE' && fromFile && isThere(written, 'caCrl'))
    at.child('caCrl', undefined).reportKey({
      ...inert(at),
      message: 'Without client certificates there is none to revoke.',
    });
}

/** The places that a certificate is said to come from. */
function sourcesOf(tls: TlsFields): readonly string[] {
  const pair = tls.serverCertificate !== undefined && tls.privateKey !== undefined;
  return [
    ...(pair ? ['serverCertificate and privateKey'] : []),
    ...(tls.credentialName === undefined ? [] : ['credentialName']),
    ...((tls.credentialNames?.length ?? 0) > 0 ? ['credentialNames'] : []),
    ...((tls.tlsCertificates?.length ?? 0) > 0 ? ['tlsCertificates'] : []),
  ];
}

/** The TLS policy of a server with mode SIMPLE; `at` is its `tls`. */
export function toGatewayTls(tls: TlsFields, at: At): GatewayTls | undefined {
  const certificate = certificateSource(tls, at);
  const versions = versionRange(tls, at);
  if (certificate === undefined || versions === undefined) return undefined;
  const cipherSuites = tls.cipherSuites !== undefined && tls.cipherSuites.length > 0 ? tls.cipherSuites : undefined;
  return { certificate, ...versions, ...defined({ cipherSuites }) };
}

function certificateSource(tls: TlsFields, at: At): CertificateSource | undefined {
  warnSecond(tls.credentialNames, at, 'credentialNames');
  warnSecond(tls.tlsCertificates, at, 'tlsCertificates');
  const name = tls.credentialName ?? tls.credentialNames?.[0];
  if (name !== undefined) return { kind: 'secret', name };
  const pair = tls.tlsCertificates?.[0] ?? tls;
  if (pair.serverCertificate !== undefined && pair.privateKey !== undefined)
    return { kind: 'file', certificate: pair.serverCertificate, privateKey: pair.privateKey };
  // One that could not be read was told where it stands.
  if (['credentialName', 'credentialNames', 'tlsCertificates'].some((field) => isFilled(at, field))) return undefined;
  return at.reportKey({
    message: 'A certificate is missing: name a Secret in credentialName, or files in serverCertificate and privateKey.',
  });
}

function isFilled(at: At, field: string): boolean {
  const value = writtenIn(at)[field];
  return isThere(writtenIn(at), field) && (!Array.isArray(value) || value.length > 0);
}

function warnSecond(list: readonly unknown[] | undefined, at: At, field: string): void {
  if (list === undefined || list.length < 2) return;
  at.child(field, undefined).reportKey({
    severity: 'warning',
    code: 'MG0202',
    message: `A second certificate in "${field}" is known but not honoured yet: the first one serves every client.`,
  });
}

/** TLS 1.2 is the least that is served. */
function versionRange(tls: TlsFields, at: At): Pick<GatewayTls, 'minVersion' | 'maxVersion'> | undefined {
  const min = tls.minProtocolVersion ?? 0;
  const max = tls.maxProtocolVersion ?? 0;
  if (max === 10 || max === 11)
    return at
      .child('maxProtocolVersion', max)
      .report({ code: 'MG0207', message: 'TLS below 1.2 is not served: use TLSV1_2 or TLSV1_3.' });
  if (max !== 0 && min > max)
    return at
      .child('maxProtocolVersion', max)
      .report({ message: 'maxProtocolVersion is below minProtocolVersion: swap them.' });
  if (min === 10 || min === 11)
    at.child('minProtocolVersion', min).report({
      severity: 'warning',
      code: 'MG0205',
      message: 'TLS below 1.2 is not served: the minimum is TLS 1.2.',
    });
  return { minVersion: min === 13 ? 'TLSv1.3' : 'TLSv1.2', maxVersion: max === 12 ? 'TLSv1.2' : 'TLSv1.3' };
}
