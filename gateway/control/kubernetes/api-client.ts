// Promises: requests and watches to a cluster's API, over several servers, with access data that renews itself; failures are ApiErrors.
// Never: skips a certificate check, repeats a write that may have arrived, shows a token or a key, waits without a deadline.
// Called by: discovery, reflectors, the leader, status and the traffic shift.
import type { Readable } from 'node:stream';
import type { AccessFile, ReadyAccess } from './access-file.ts';
import { ApiError } from './api-error.ts';
import { ApiServer, type HttpAnswer, type HttpRequest } from './api-server.ts';
import { AccessError } from './cluster-access.ts';

/** An answer must be whole after so long, unless the request says otherwise. */
const TIMEOUT_MS = 15_000;

export type ApiRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/apis/networking.istio.io/v1/namespaces/default/virtualservices/myapp`: names in it are encoded already. */
  readonly path: string;
  /** Entries that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of the body; `application/json` unless it is a patch. */
  readonly contentType?: string;
  readonly accept?: string;
  /** Until the whole answer, on one server; of a stream: until it begins. Default 15 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
};

export type StreamRequest = ApiRequest & {
  /** The stream fails when nothing came for so long; 0 is for ever. */
  readonly idleMs: number;
};

/** The answer to a watch: its bytes as they come. Iterating throws an ApiError when it breaks; the holder closes it. */
export type ApiStream = AsyncIterable<Buffer> & { close(): void };

/** An answer that the server need not repeat. */
export type Conditional =
  | { readonly unchanged: true }
  | { readonly unchanged: false; readonly value: unknown; readonly etag?: string };

/** What the last contact with the cluster was. */
export type Contact = {
  /** The server that answered last. */
  readonly server?: string;
  /** Milliseconds since the epoch. */
  readonly lastAnswerAt?: number;
  /** Of the last request, if it failed for want of a server or of access data. */
  readonly failure?: string;
};

type Attempt<T> = (server: ApiServer, access: ReadyAccess) => Promise<T>;

/** A client for one cluster. */
export class ApiClient {
  readonly #access: AccessFile;
  #servers: readonly ApiServer[] = [];
  /** Streams that run, by their servers; they outlive their servers' access data until newer data has worked. */
  readonly #streams = new Map<AnswerStream, ApiServer>();
  #identity = '';
  #epoch = 0;
  /** The server that worked last: tried first. */
  #preferred = 0;
  #contact: Contact = {};
  #closed = false;

  constructor(access: AccessFile) {
    this.#access = access;
  }

  /** One request; its JSON answer, whose shape the caller checks. */
  async request<T = unknown>(request: ApiRequest): Promise<T> {
    return this.#overServers(request, async (server, access) => {
      const deadline = new Deadline(request);
      try {
        const answer = await server.send(toHttp(request, access, deadline.signal));
        return parseJson(await server.text(answer), server) as T;
      } finally {
        deadline.end();
      }
    });
  }

  /** A GET that is answered only if there is something else than what `etag` stands for. */
  async getIfChanged(request: Omit<ApiRequest, 'method'>, etag: string | undefined): Promise<Conditional> {
    return this.#overServers({ ...request, method: 'GET' }, async (server, access) => {
      const deadline = new Deadline(request);
      try {
        const http = toHttp({ ...request, method: 'GET' }, access, deadline.signal);
        const headers = etag === undefined ? http.headers : { ...http.headers, 'if-none-match': etag };
        const answer = await server.send({ ...http, headers });
        const text = await server.text(answer);
        if (answer.status === 304) return { unchanged: true };
        return {
          unchanged: false,
          value: parseJson(text, server),
          ...(answer.etag !== undefined && { etag: answer.etag }),
        };
      } finally {
        deadline.end();
      }
    });
  }

  /** Opens a watch; resolves when the server has begun to answer. */
  async stream(request: StreamRequest): Promise<ApiStream> {
    return this.#overServers(request, async (server, access) => {
      const deadline = new Deadline(request);
      try {
        const answer = await server.send({ ...toHttp(request, access, deadline.signal), idleMs: request.idleMs });
        deadline.clearTimer();
        const stream = new AnswerStream(server, answer, deadline, () => this.#streams.delete(stream));
        this.#streams.set(stream, server);
        return stream;
      } catch (error) {
        deadline.end();
        throw error;
      }
    });
  }

  /** Grows whenever requests begin to go to other servers, or by other TLS data: answers of two epochs may be of two clusters. */
  get epoch(): number {
    return this.#epoch;
  }

  get contact(): Contact {
    return this.#contact;
  }

  /** Where people find the cluster: its servers, or why they are not known. */
  get location(): string {
    try {
      return this.#access
        .current()
        .servers.map((url) => url.href.replace(/\/$/, ''))
        .join(', ');
    } catch (error) {
      return reasonOf(error);
    }
  }

  /** What is wrong with the access data now, though older data may still be in use. */
  get accessFault(): string | undefined {
    return this.#access.fault;
  }

  /** Ends everything that runs. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** A token that was renewed since is tried at once. */
  async #overServers<T>(request: ApiRequest, attempt: Attempt<T>): Promise<T> {
    const access = this.#ready();
    try {
      return await this.#tryEach(request, access, attempt);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      this.#access.look();
      const renewed = this.#ready();
      if (renewed.token?.reveal() === access.token?.reveal() && renewed.identity === access.identity) throw error;
      return this.#tryEach(request, renewed, attempt);
    }
  }

  async #tryEach<T>(request: ApiRequest, access: ReadyAccess, attempt: Attempt<T>): Promise<T> {
    const servers = this.#servers;
    const failures: ApiError[] = [];
    for (let turn = 0; turn < servers.length; turn += 1) {
      const index = (this.#preferred + turn) % servers.length;
      const server = servers[index] as ApiServer;
      try {
        const result = await attempt(server, access);
        this.#answered(server, index);
        return result;
      } catch (error) {
        const failure = server.failure(error);
        if (!failure.isOutage) this.#answered(server, index);
        if (!mayTryAnother(request, failure)) throw failure;
        failures.push(failure);
      }
      if (this.#servers !== servers) break;
    }
    throw this.#allFailed(failures);
  }

  #answered(server: ApiServer, index: number): void {
    if (this.#servers[index] === server) this.#preferred = index;
    for (const [stream, its] of this.#streams) if (!this.#servers.includes(its)) stream.interrupt();
    this.#contact = { server: server.name, lastAnswerAt: Date.now() };
  }

  /** One error for all servers: what a server answered says more than a server that did not. */
  #allFailed(failures: readonly ApiError[]): ApiError {
    const telling = failures.find(({ status }) => status !== 0) ?? failures[0];
    const message = failures.map((failure) => failure.message).join('; ');
    this.#contact = { ...this.#contact, failure: message };
    const { status = 0, reason = 'Unreachable', retryAfterMs, details } = telling ?? {};
    return new ApiError({ status, reason, message, retryAfterMs, details, cause: telling });
  }

  /** Access data that is good now, and servers that are made of it. */
  #ready(): ReadyAccess {
    if (this.#closed) throw new ApiError({ status: 0, reason: 'Aborted', message: 'the client is closed' });
    const access = this.#currentAccess();
    if (access.identity === this.#identity) return access;
    const outdated = this.#servers;
    this.#servers = access.servers.map((url) => new ApiServer(url, access.tls));
    this.#identity = access.identity;
    this.#epoch += 1;
    this.#preferred = 0;
    for (const server of outdated) server.retire();
    return access;
  }

  #currentAccess(): ReadyAccess {
    try {
      return this.#access.current();
    } catch (error) {
      if (!(error instanceof AccessError)) throw error;
      this.#contact = { ...this.#contact, failure: error.message };
      throw new ApiError({ status: 0, reason: 'NoAccess', message: error.message });
    }
  }
}

/** Ends a request when its time is over or its caller gives up, and leaves no listener behind. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor({ timeoutMs = TIMEOUT_MS, signal }: Pick<ApiRequest, 'timeoutMs' | 'signal'>) {
    this.#outer = signal;
    const late = (): void => this.#controller.abort(new DOMException('no answer in time', 'TimeoutError'));
    this.#timer = setTimeout(late, timeoutMs);
    if (signal?.aborted) this.giveUp();
    else signal?.addEventListener('abort', this.giveUp);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly giveUp = (): void => this.#controller.abort(new DOMException('given up', 'AbortError'));

  clearTimer(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.giveUp);
  }
}

class AnswerStream implements ApiStream {
  readonly #server: ApiServer;
  readonly #body: Readable;
  readonly #deadline: Deadline;
  readonly #onClosed: () => void;
  #isInterrupted = false;

  constructor(server: ApiServer, answer: HttpAnswer, deadline: Deadline, onClosed: () => void) {
    this.#server = server;
    this.#body = answer.body;
    this.#deadline = deadline;
    this.#onClosed = onClosed;
    // An abort may come while nobody is reading.
    this.#body.on('error', () => undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of this.#body as AsyncIterable<Buffer>) yield chunk;
    } catch (error) {
      throw this.#isInterrupted ? replaced(this.#server) : this.#server.failure(error);
    } finally {
      this.close();
    }
  }

  /** Whoever reads opens another one, with the access data of now. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.close();
  }

  close(): void {
    this.#deadline.giveUp();
    this.#deadline.end();
    this.#onClosed();
  }
}

function replaced({ name }: ApiServer): ApiError {
  return new ApiError({ status: 0, reason: 'Interrupted', message: `${name}: other access data is in use now` });
}

/** A write goes to another server only if it cannot have reached this one. */
function mayTryAnother(request: ApiRequest, failure: ApiError): boolean {
  if (request.signal?.aborted || !failure.isOutage || failure.status === 501) return false;
  return request.method === 'GET' || neverSent(failure);
}

const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function neverSent({ status, reason, cause }: ApiError): boolean {
  if (status !== 0) return false;
  if (reason === 'Untrusted') return true;
  return cause instanceof Error && 'code' in cause && NEVER_SENT.has(String(cause.code));
}

function toHttp(request: ApiRequest, access: ReadyAccess, signal: AbortSignal): HttpRequest {
  const { method, body, accept = 'application/json' } = request;
  const headers: Record<string, string> = { accept, 'user-agent': 'mesh-gateway' };
  if (access.token !== undefined) headers['authorization'] = `Bearer ${access.token.reveal()}`;
  if (body !== undefined) headers['content-type'] = request.contentType ?? 'application/json';
  const path = withQuery(request.path, request.query ?? {});
  return { method, path, headers, signal, idleMs: 0, ...(body !== undefined && { body: JSON.stringify(body) }) };
}

function withQuery(path: string, query: NonNullable<ApiRequest['query']>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

function parseJson(text: string, server: ApiServer): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new ApiError({ status: 0, reason: 'BadAnswer', message: `${server.name}: its answer is not JSON` });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
