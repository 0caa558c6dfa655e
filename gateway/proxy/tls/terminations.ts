import { createHash } from 'node:crypto';
import type { Server } from 'node:tls';
import type { Certificate } from '../../snapshot/certificate.ts';
import type { Listener, TlsServer } from '../../snapshot/listener.ts';
import { CompileError } from '../compile-error.ts';
import { createTlsServer, type TlsCommon } from './policy.ts';
import { ServerNames } from './server-names.ts';

/** A TLS server with its certificate: what a ClientHello is resolved to. */
export type Termination = { readonly id: string; readonly server: TlsServer; readonly certificate: Certificate };

/** An HTTPS listener, ready to be asked by server name. */
export type CompiledListener = {
  readonly source: Listener;
  readonly terminations: readonly Termination[];
  readonly names: ServerNames<Termination>;
};

type Certificates = Readonly<Record<string, Certificate>>;

/**
 * Compiles an HTTPS listener. Each termination that `previous` did not have is tried out, and its server put into `servers`, so
 * that nothing unsound is ever served. Throws {@link CompileError} for what OpenSSL refuses.
 */
export function compileListener(
  listener: Listener,
  certificates: Certificates,
  context: { previous: CompiledListener | undefined; common: TlsCommon; servers: Map<string, Server> },
): CompiledListener {
  const { previous, common, servers } = context;
  if (previous !== undefined && isCurrent(previous, listener, certificates)) return previous;
  const known = new Set(previous?.terminations.map(({ id }) => id));
  const names = new ServerNames<Termination>();
  const terminations = listener.tls.map((server): Termination => {
    const certificate = certificates[server.certificate];
    if (certificate === undefined) {
      const reason = `TLS server ${server.key} has no certificate ${server.certificate}`;
      throw new CompileError(`listeners/${listener.key}`, reason);
    }
    const termination = { id: terminationId(listener, server, certificate), server, certificate };
    if (!known.has(termination.id) && !servers.has(termination.id)) {
      servers.set(termination.id, soundServer(termination, listener, common));
    }
    for (const host of server.hosts) names.add(host, termination);
    return termination;
  });
  return { source: listener, terminations, names };
}

function isCurrent(compiled: CompiledListener, listener: Listener, certificates: Certificates): boolean {
  return (
    compiled.source === listener &&
    compiled.terminations.every(({ server, certificate }) => certificates[server.certificate] === certificate)
  );
}

/** Makes the server of a termination, and turns what OpenSSL says into the unit that is to blame. */
function soundServer({ server, certificate }: Termination, listener: Listener, common: TlsCommon): Server {
  try {
    return createTlsServer(server, certificate, common);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_SSL_NO_CIPHER_MATCH') {
      const reason = `TLS server ${server.key}: no such cipher suite: ${text}`;
      throw new CompileError(`listeners/${listener.key}`, reason, { cause });
    }
    throw new CompileError(`certificates/${certificate.key}`, `certificate or key is refused: ${text}`, { cause });
  }
}

/** Equal inputs, equal id: an unchanged TLS server keeps its context over versions; a changed chain or key makes a new one. */
function terminationId(listener: Listener, server: TlsServer, certificate: Certificate): string {
  const { minVersion, maxVersion, cipherSuites = [] } = server;
  return JSON.stringify([listener.key, server.key, contentHash(certificate), minVersion, maxVersion, ...cipherSuites]);
}

const contentHashes = new WeakMap<Certificate, string>();

/** Snapshot units are frozen, so one hash an object is enough. */
function contentHash(certificate: Certificate): string {
  let hash = contentHashes.get(certificate);
  if (hash === undefined) {
    hash = createHash('sha256').update(certificate.certificatePem).update(certificate.privateKeyPem).digest('base64');
    contentHashes.set(certificate, hash);
  }
  return hash;
}
