import { constants, createHash } from 'node:crypto';
import { createSecureContext, createServer, type Server, type TlsOptions } from 'node:tls';
import type { Certificate } from '../../snapshot/certificate.ts';
import type { TlsServer } from '../../snapshot/listener.ts';

/** TLS 1.3 suites, the cheapest first; always on, since Gateway `cipherSuites` speak of TLS 1.2 only (as in Envoy). */
const TLS13_CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/** TLS 1.2: forward secrecy and AEAD only (Mozilla's intermediate list without DHE). */
const TLS12_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

/** Post-quantum first where this OpenSSL has it; a group it does not know fails the whole list. */
const CURVES = firstSupportedCurves(['X25519MLKEM768:X25519:P-256:P-384', 'X25519:P-256:P-384']);

/** How long a client may come back with a ticket. */
const TICKET_SECONDS = 7200;

/** What all TLS servers of a worker share. */
export type TlsCommon = {
  /** 48 bytes, the same in every worker, so that a ticket from one is good in all. */
  readonly ticketKeys: Buffer;
};

/**
 * Makes the never-listening server of one TLS policy and certificate; throws what OpenSSL says of a bad key, certificate or cipher.
 * Sessions are bound to the TLS server and its leaf: a ticket from one server name opens no other.
 */
export function createTlsServer(server: TlsServer, certificate: Certificate, common: TlsCommon): Server {
  const options: TlsOptions = {
    cert: certificate.certificatePem,
    key: certificate.privateKeyPem,
    minVersion: server.minVersion,
    maxVersion: server.maxVersion,
    ciphers: cipherList(server),
    honorCipherOrder: true,
    ecdhCurve: CURVES,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
    sessionIdContext: sessionContext(server, certificate),
    sessionTimeout: TICKET_SECONDS,
    ticketKeys: common.ticketKeys,
    // The terminator has a deadline of its own, from accept on; a second one would only cost (0 would mean 120 s).
    handshakeTimeout: -1,
    ALPNProtocols: ['http/1.1'],
  };
  return createServer(options);
}

/** Istio users may name TLS 1.3 suites as well; they then replace ours. */
function cipherList(server: TlsServer): string {
  const named = server.cipherSuites ?? TLS12_CIPHERS;
  const modern = named.some((cipher) => cipher.startsWith('TLS_')) ? [] : TLS13_CIPHERS;
  return [...modern, ...named].join(':');
}

/** At most 32 bytes, the same in every worker and process. */
function sessionContext(server: TlsServer, certificate: Certificate): string {
  return createHash('sha256')
    .update(JSON.stringify([server.key, certificate.fingerprint, server.minVersion, server.maxVersion]))
    .digest('base64url')
    .slice(0, 32);
}

function firstSupportedCurves(candidates: readonly string[]): string {
  for (const ecdhCurve of candidates) {
    try {
      createSecureContext({ ecdhCurve });
      return ecdhCurve;
    } catch {
      // Not in this OpenSSL: the next list is older.
    }
  }
  return 'auto';
}
