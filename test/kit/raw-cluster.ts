import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';

type Kubeconfig = {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
};

export type RawOptions = {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of the kubeconfig's own credentials. */
  readonly token?: string;
};

/** The parts of objects, lists, Statuses and watch events that tests look at. */
export type RawBody = {
  readonly kind?: string;
  readonly type?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly status?: unknown;
  readonly details?: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly items: readonly RawBody[];
  readonly object: RawBody;
};

export type RawAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: RawBody;
  /** Of a watch, which ends by itself (`timeoutSeconds`). */
  readonly events: readonly RawBody[];
};

/** Any cluster by its kubeconfig, over plain HTTPS: answers are shown as they are. Credentials and CA lie in the kubeconfig. */
export class RawCluster {
  readonly #url: string;
  readonly #token: string | undefined;
  readonly #agent: Agent;
  readonly #anonymous: Agent;

  constructor(kubeconfig: string) {
    const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const cluster = clusters[0]?.cluster ?? {};
    const user = users[0]?.user ?? {};
    const ca = decoded(cluster['certificate-authority-data']);
    this.#url = cluster['server'] ?? '';
    this.#token = user['token'];
    this.#anonymous = new Agent({ keepAlive: true, ...ca.as('ca') });
    this.#agent = new Agent({
      keepAlive: true,
      ...ca.as('ca'),
      ...decoded(user['client-certificate-data']).as('cert'),
      ...decoded(user['client-key-data']).as('key'),
    });
  }

  async call(method: string, path: string, options: RawOptions = {}): Promise<RawAnswer> {
    const response = await this.#send(method, path, options);
    const lines = (await text(response)).split('\n').filter((line) => line !== '');
    const isJson = /json/.test(response.headers['content-type'] ?? '');
    const values = isJson ? lines.map((line) => JSON.parse(line) as RawBody) : [];
    const body = values[0] ?? ({ message: lines.join('\n') } as RawBody);
    return { status: response.statusCode ?? 0, headers: response.headers, body, events: values };
  }

  close(): void {
    this.#agent.destroy();
    this.#anonymous.destroy();
  }

  #send(method: string, path: string, options: RawOptions): Promise<IncomingMessage> {
    const { body, contentType = 'application/json', headers = {}, token = this.#token } = options;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        `${this.#url}${path}`,
        {
          method,
          agent: options.token === undefined ? this.#agent : this.#anonymous,
          headers: {
            accept: 'application/json',
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
            ...(payload !== undefined && {
              'content-type': contentType,
              'content-length': String(Buffer.byteLength(payload)),
            }),
            ...headers,
          },
        },
        resolve,
      );
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }
}

function decoded(data: string | undefined): { as(name: string): Record<string, string> } {
  return {
    as: (name) => (data === undefined ? {} : { [name]: Buffer.from(data, 'base64').toString() }),
  };
}
