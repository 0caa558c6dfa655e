// Promises: the access data as its files have it now: kubeconfig, CA, client certificate and token are read again when they change.
// Never: gives up good data for a file that is unreadable for a moment, shows a secret.
// Called by: api-client.ts, before each request.
import { createHash } from 'node:crypto';
import { SecretText } from '../resource/core/secret-text.ts';
import { AccessError, type ClusterAccess, type Material } from './cluster-access.ts';
import { parseKubeconfig } from './kubeconfig.ts';
import type { TokenRenewal } from './token-renewal.ts';
import { WatchedFile } from './watched-file.ts';

/** Files are looked at this often at most. */
const LOOK_MS = 1_000;

/** The files of the account that every pod has. */
const IN_CLUSTER = '/var/run/secrets/kubernetes.io/serviceaccount';

export type AccessFileOptions = {
  /** A kubeconfig, or `in-cluster`: the account that Kubernetes mounts into pods. */
  readonly kubeconfig: string;
  readonly context?: string | undefined;
  readonly servers?: readonly string[];
  /** Told whenever these are others: files with a secret in them that everybody on the machine may read or change. */
  readonly onExposed?: (files: readonly string[]) => void;
  /** Knows what the token of the kubeconfig has become. */
  readonly renewal?: Pick<TokenRenewal, 'inPlaceOf'>;
};

/** Everything that a connection needs, read and ready. */
export type ReadyAccess = {
  readonly servers: readonly URL[];
  readonly tls: {
    readonly servername?: string;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: SecretText;
  };
  readonly token?: SecretText;
  readonly namespace?: string;
  /** Differs whenever servers or TLS data do: connections must be made anew. */
  readonly identity: string;
  readonly description: string;
};

/** The access data behind a kubeconfig file, kept up to date. */
export class AccessFile {
  readonly #options: AccessFileOptions;
  readonly #now: () => number;
  readonly #files = new Map<string, WatchedFile>();
  #parsed: { readonly text: string; readonly access: ClusterAccess } | undefined;
  #ready: ReadyAccess | undefined;
  #fault: string | undefined;
  #exposed = '';
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: AccessFileOptions, now: () => number = () => performance.now()) {
    this.#options = options;
    this.#now = now;
  }

  /** The access data; an AccessError when there is none yet. */
  current(): ReadyAccess {
    if (this.#ready === undefined || this.#now() - this.#lookedAt >= LOOK_MS) this.look();
    if (this.#ready === undefined) throw new AccessError(this.#fault ?? 'There is no access data.');
    return this.#ready;
  }

  /** Looks at the files now: a server has just refused the token. */
  look(): void {
    this.#lookedAt = this.#now();
    try {
      const access = this.#access();
      this.#ready = this.#assemble(access);
      this.#tellExposed(access);
      this.#fault = undefined;
    } catch (error) {
      if (!(error instanceof AccessError)) throw error;
      this.#fault = error.message;
    }
  }

  /** What is wrong with the files now; older data may still be in use. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Kubernetes mounts the files of a pod as it does; the others are somebody's own. */
  #tellExposed({ token, client }: ClusterAccess): void {
    const { kubeconfig, onExposed } = this.#options;
    if (kubeconfig === 'in-cluster') return;
    const secrets = [token, client?.privateKey].flatMap((material) => material ?? []);
    const holders = new Set(secrets.map((material) => ('file' in material ? material.file : kubeconfig)));
    const exposed = [...holders].filter((file) => this.#files.get(file)?.isOpenToAll);
    if (exposed.join('\n') === this.#exposed) return;
    this.#exposed = exposed.join('\n');
    onExposed?.(exposed);
  }

  #access(): ClusterAccess {
    const { kubeconfig, context, servers } = this.#options;
    if (kubeconfig === 'in-cluster') return inCluster(servers ?? []);
    const text = this.#file(kubeconfig);
    if (this.#parsed?.text !== text)
      this.#parsed = { text, access: parseKubeconfig(text, { file: kubeconfig, context, servers: servers ?? [] }) };
    return this.#parsed.access;
  }

  #assemble(access: ClusterAccess): ReadyAccess {
    const { servers, description, tlsServerName, client, namespace } = access;
    const ca = access.ca && this.#text(access.ca);
    const cert = client && this.#text(client.certificate);
    const key = client && new SecretText(this.#text(client.privateKey));
    const token = access.token && this.#token(access.token, description);
    const hash = createHash('sha256');
    hash.update(JSON.stringify([servers, tlsServerName, ca, cert, key?.reveal()]));
    return {
      servers,
      description,
      ...(namespace !== undefined && { namespace }),
      identity: hash.digest('hex'),
      tls: {
        ...(tlsServerName !== undefined && { servername: tlsServerName }),
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key && { key }),
      },
      ...(token && { token }),
    };
  }

  /** Whoever writes a token's file renews it; a token inside the kubeconfig is renewed by us. */
  #token(material: Material, description: string): SecretText {
    const token = cleanToken(this.#text(material), description);
    return 'file' in material ? token : (this.#options.renewal?.inPlaceOf(token) ?? token);
  }

  #text(material: Material): string {
    return 'text' in material ? material.text.reveal() : this.#file(material.file);
  }

  #file(path: string): string {
    const file = this.#files.get(path) ?? new WatchedFile(path);
    this.#files.set(path, file);
    return file.read();
  }
}

/** It goes into a header: anything but visible ASCII would break the request, or be quoted in its error. */
function cleanToken(text: string, description: string): SecretText {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return new SecretText(token);
  throw new AccessError(`Access to the cluster (${description}): the token holds characters that no token has.`);
}

/** Children of the supervisor see no environment, so the name that every cluster gives its API server is used. */
function inCluster(servers: readonly string[]): ClusterAccess {
  const urls = servers.length === 0 ? ['https://kubernetes.default.svc'] : servers;
  return {
    servers: urls.map((url) => new URL(url)),
    ca: { file: `${IN_CLUSTER}/ca.crt` },
    token: { file: `${IN_CLUSTER}/token` },
    description: `the account in ${IN_CLUSTER}`,
  };
}
