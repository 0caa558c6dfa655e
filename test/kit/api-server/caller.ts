import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { ApiServer } from './api-server.ts';
import type { KubeObject } from './kube-object.ts';

/** What a call sends besides method and path; the token defaults to the admin's. */
export type CallOptions = {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly token?: string;
  readonly clientCertificate?: { readonly certificatePem: string; readonly privateKeyPem: string };
};

export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: AnswerBody };

/** The parts of objects, lists and Status that tests look at. */
export type AnswerBody = KubeObject & {
  readonly items: KubeObject[];
  readonly reason: string;
  readonly message: string;
  readonly code: number;
};

export type WatchEvent = { readonly type: string; readonly object: AnswerBody };

/** A plain HTTPS client of one test server, which shows answers as they are. */
export class Caller {
  readonly #server: ApiServer;
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #token: string;

  /** `url` is one of the server's doors, by default the first. */
  constructor(server: ApiServer, url = server.url) {
    this.#server = server;
    this.#url = url;
    this.#token = server.token();
  }

  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const response = await this.#send(method, path, options);
    const body = await text(response);
    const json = /json/.test(response.headers['content-type'] ?? '');
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: json ? (JSON.parse(body) as AnswerBody) : ({ message: body } as AnswerBody),
    };
  }

  /** The events of a watch; breaking out of the loop ends it. */
  async *watch(path: string, options: CallOptions = {}): AsyncGenerator<WatchEvent> {
    const response = await this.#send('GET', path, options);
    let rest = '';
    for await (const chunk of response) {
      const lines = `${rest}${String(chunk)}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as WatchEvent;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(method: string, path: string, options: CallOptions): Promise<IncomingMessage> {
    const response = Promise.withResolvers<IncomingMessage>();
    const outgoing = request(`${this.#url}${path}`, this.#requestOptions(method, options), response.resolve);
    outgoing.once('error', response.reject);
    const body = options.body === undefined ? '' : JSON.stringify(options.body);
    // Without it, Node sends the body of a DELETE unframed.
    if (body !== '') outgoing.setHeader('Content-Length', Buffer.byteLength(body));
    outgoing.end(body);
    return response.promise;
  }

  #requestOptions(method: string, options: CallOptions): RequestOptions {
    const { clientCertificate, token = this.#token } = options;
    return {
      method,
      ca: this.#server.caPem,
      ...(clientCertificate === undefined
        ? { agent: this.#agent }
        : { agent: false, key: clientCertificate.privateKeyPem, cert: clientCertificate.certificatePem }),
      headers: {
        ...(clientCertificate === undefined && token !== '' ? { Authorization: `Bearer ${token}` } : {}),
        ...(options.accept === undefined ? {} : { Accept: options.accept }),
        ...(options.body === undefined ? {} : { 'Content-Type': options.contentType ?? 'application/json' }),
      },
    };
  }
}

/** The first `count` events of a watch. */
export async function take(events: AsyncGenerator<WatchEvent>, count: number): Promise<WatchEvent[]> {
  const taken: WatchEvent[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}
