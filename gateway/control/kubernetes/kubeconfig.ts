// Promises: a kubeconfig's context becomes a ClusterAccess, or an AccessError that names everything wrong with it.
// Never: runs a program, turns certificate checks off, quotes a token, a key or a password.
// Called by: access-file.ts.
import path from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { SecretText } from '../resource/core/secret-text.ts';
import { AccessError, type ClusterAccess, type Material } from './cluster-access.ts';

export type KubeconfigOptions = {
  /** Where the text was read; relative paths inside start at its folder. */
  readonly file: string;
  /** Default: `current-context`. */
  readonly context?: string | undefined;
  /** Further API servers of the same cluster, tried after the kubeconfig's own. */
  readonly servers?: readonly string[];
};

type Fields = Readonly<Record<string, unknown>>;

/** Reads the text of a kubeconfig. */
export function parseKubeconfig(text: string, options: KubeconfigOptions): ClusterAccess {
  const root = parseYaml(text, options.file);
  const name = options.context ?? stringIn(root, 'current-context');
  if (name === undefined)
    throw new AccessError(
      `The kubeconfig ${options.file} has no current-context: name one (source.kubernetes.context).`,
    );
  const context = named(root, 'contexts', name, options.file);
  const cluster = named(root, 'clusters', stringIn(context, 'cluster') ?? '', options.file);
  const user = named(root, 'users', stringIn(context, 'user') ?? '', options.file);
  const namespace = stringIn(context, 'namespace');
  return { ...new Reading(options).access(name, cluster, user), ...(namespace !== undefined && { namespace }) };
}

/** Gathers every fault before it gives up. */
class Reading {
  readonly #options: KubeconfigOptions;
  readonly #faults: string[] = [];

  constructor(options: KubeconfigOptions) {
    this.#options = options;
  }

  access(context: string, cluster: Fields, user: Fields): ClusterAccess {
    const servers = this.#servers(cluster);
    const ca = this.#material(cluster, 'certificate-authority');
    const client = this.#client(user);
    const token = this.#token(user);
    const tlsServerName = stringIn(cluster, 'tls-server-name');
    this.#refuseUnsafe(cluster);
    this.#refuseOtherWays(user);
    const description = `context ${context} of ${this.#options.file}`;
    if (this.#faults.length > 0)
      throw new AccessError(`Access to the cluster (${description}): ${this.#faults.join(' ')}`);
    return {
      servers,
      description,
      ...(tlsServerName !== undefined && { tlsServerName }),
      ...(ca && { ca }),
      ...(client && { client }),
      ...(token && { token }),
    };
  }

  #servers(cluster: Fields): URL[] {
    const written = [stringIn(cluster, 'server') ?? '', ...(this.#options.servers ?? [])];
    const urls = written.flatMap((text) => this.#server(text) ?? []);
    return [...new Map(urls.map((url) => [url.href, url])).values()];
  }

  #server(text: string): URL | undefined {
    const url = URL.parse(text);
    if (url?.protocol === 'https:' && url.username === '' && url.password === '') return url;
    // What stands before an @ may be a password.
    const shown = url === null ? JSON.stringify(text.replace(/^.*@/, '')) : `${url.protocol}//${url.host}`;
    this.#faults.push(`The server ${shown} is not usable: write https://HOST:PORT.`);
    return undefined;
  }

  /** `NAME-data` (base64) wins over `NAME` (a file), as in kubectl. */
  #material(fields: Fields, name: string): Material | undefined {
    const data = stringIn(fields, `${name}-data`);
    if (data !== undefined) return this.#decoded(data, `${name}-data`);
    const file = stringIn(fields, name);
    return file === undefined ? undefined : { file: this.#resolve(file) };
  }

  #decoded(data: string, name: string): Material | undefined {
    const text = Buffer.from(data, 'base64').toString('utf8');
    if (text.includes('-----BEGIN ')) return { text: new SecretText(text) };
    this.#faults.push(`${name} is not PEM in base64: encode the file with \`base64 -w0\`.`);
    return undefined;
  }

  #client(user: Fields): ClusterAccess['client'] {
    const certificate = this.#material(user, 'client-certificate');
    const privateKey = this.#material(user, 'client-key');
    if (certificate !== undefined && privateKey !== undefined) return { certificate, privateKey };
    if (certificate !== undefined) this.#faults.push('client-certificate is there without client-key: name both.');
    if (privateKey !== undefined) this.#faults.push('client-key is there without client-certificate: name both.');
    return undefined;
  }

  /** A file wins over the token itself, as in kubectl: it is the one that is renewed. */
  #token(user: Fields): Material | undefined {
    const file = stringIn(user, 'tokenFile');
    if (file !== undefined) return { file: this.#resolve(file) };
    const token = stringIn(user, 'token');
    return token === undefined ? undefined : { text: new SecretText(token) };
  }

  #refuseUnsafe(cluster: Fields): void {
    if (cluster['insecure-skip-tls-verify'] === true)
      this.#faults.push(
        'insecure-skip-tls-verify is refused: whoever is on the way could then route your traffic. Give certificate-authority-data.',
      );
    if (stringIn(cluster, 'proxy-url') !== undefined)
      this.#faults.push('proxy-url is not supported: let the node reach the API server directly, and remove it.');
  }

  #refuseOtherWays(user: Fields): void {
    for (const [field, advice] of Object.entries(REFUSED))
      if (user[field] !== undefined && user[field] !== '') this.#faults.push(`${field} is not supported: ${advice}.`);
  }

  #resolve(file: string): string {
    return path.resolve(path.dirname(this.#options.file), file);
  }
}

const INSTEAD = "use a ServiceAccount's token, a tokenFile or a client certificate";
const REFUSED: Readonly<Record<string, string>> = {
  exec: `a service runs no credential plugins; ${INSTEAD}`,
  'auth-provider': `a service runs no credential plugins; ${INSTEAD}`,
  username: INSTEAD,
  password: INSTEAD,
  as: 'give the service an account of its own instead of impersonation',
};

function parseYaml(text: string, file: string): Fields {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    // The parser's own words may quote the line, and the line may be a token.
    throw new AccessError(`The kubeconfig ${file} is not readable YAML (${fault.code}, line ${line}, column ${col}).`);
  }
  const root: unknown = document.toJS();
  if (!isFields(root)) throw new AccessError(`The kubeconfig ${file} is empty or not a mapping.`);
  return root;
}

/** The entry `name` of one of the kubeconfig's three lists. */
function named(root: Fields, list: 'contexts' | 'clusters' | 'users', name: string, file: string): Fields {
  const entries = root[list];
  const known = Array.isArray(entries) ? entries.filter(isFields) : [];
  const found = known.find((entry) => entry['name'] === name);
  const body = found?.[list.slice(0, -1)];
  if (isFields(body)) return body;
  // A user without any credential is written as `user: {}` or `user: null`.
  if (found !== undefined && list === 'users') return {};
  const names = known.map((entry) => String(entry['name'])).join(', ') || 'none';
  throw new AccessError(
    `The kubeconfig ${file} has no ${list.slice(0, -1)} ${JSON.stringify(name)}; it has: ${names}.`,
  );
}

function stringIn(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
