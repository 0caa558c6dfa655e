import type { Readable } from 'node:stream';
import { Pool } from 'undici';
import type { ReadyAccess } from './access-file.ts';
import { ApiError, errorOfAnswer, type FailureReason } from './api-error.ts';

/** A server that does not even accept the connection is given up after so long. */
const CONNECT_MS = 5_000;
/** Dead peers are noticed by TCP itself, also while a watch has nothing to say. */
const KEEPALIVE_MS = 15_000;
/** A single answer longer than this is no answer of an API server. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024;
/** Of a failure's body: enough for any Status. */
const MAX_FAILURE_BYTES = 64 * 1024;

export type HttpRequest = {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** The stream fails when nothing came for so long; 0 is for ever. */
  readonly idleMs: number;
};

export type HttpAnswer = {
  readonly status: number;
  readonly etag?: string;
  readonly body: Readable;
};

/** The connections to one API server. Certificates are always verified. */
export class ApiServer {
  /** `https://10.0.0.1:6443`, with the prefix that the kubeconfig gives. */
  readonly name: string;
  readonly #prefix: string;
  readonly #pool: Pool;

  constructor(url: URL, { servername, ca, cert, key }: ReadyAccess['tls']) {
    this.#prefix = url.pathname.replace(/\/+$/, '');
    this.name = `${url.origin}${this.#prefix}`;
    this.#pool = new Pool(url.origin, {
      // A watch takes a connection of its own: HTTP/2 would put all of them behind one TCP window.
      allowH2: false,
      connect: {
        timeout: CONNECT_MS,
        keepAlive: true,
        keepAliveInitialDelay: KEEPALIVE_MS,
        rejectUnauthorized: true,
        ...(servername !== undefined && { servername }),
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key: key.reveal() }),
      },
      maxResponseSize: -1,
    });
  }

  /** Sends the request; throws an ApiError unless the answer is a good one (or 304). */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const answer = await this.#exchange(request);
    const { statusCode: status, headers, body } = answer;
    const type = first(headers['content-type']) ?? '';
    if (!isOfApiServer(type)) throw await this.#noApiServer(status, withoutToken(type, request), body);
    if (status >= 400 || (status >= 300 && status !== 304)) {
      const text = await readText(body, MAX_FAILURE_BYTES).catch(() => '');
      const retryAfter = first(headers['retry-after']);
      throw errorOfAnswer({ server: this.name, status, text: withoutToken(text, request), retryAfter });
    }
    const etag = first(headers['etag']);
    return { status, body, ...(etag !== undefined && { etag }) };
  }

  /** Reads an answer's body whole. */
  async text({ body }: HttpAnswer): Promise<string> {
    try {
      return await readText(body, MAX_ANSWER_BYTES);
    } catch (error) {
      throw this.failure(error);
    }
  }

  /** Any failure of the way to this server, as an ApiError of status 0. */
  failure(error: unknown): ApiError {
    if (error instanceof ApiError) return error;
    const { reason, message } = explain(error);
    return new ApiError({ status: 0, reason, message: `${this.name}: ${message}`, cause: error });
  }

  /** Running requests and watches may end; no new ones are taken. */
  retire(): void {
    void this.#pool.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#pool.destroy().catch(() => undefined);
  }

  /** A load balancer's own page, a login: whatever its status says, it is not said of the cluster. */
  async #noApiServer(status: number, type: string, body: Readable): Promise<ApiError> {
    await readText(body, MAX_FAILURE_BYTES).catch(() => '');
    const message = `${this.name} answered ${status} with a page (${type}): is this an API server?`;
    return new ApiError({ status: status >= 500 ? status : 0, reason: 'BadAnswer', message });
  }

  async #exchange({ method, path, headers, body, signal, idleMs }: HttpRequest): ReturnType<Pool['request']> {
    try {
      return await this.#pool.request({
        method,
        path: `${this.#prefix}${path}`,
        headers,
        signal,
        // The caller's deadline decides.
        headersTimeout: 0,
        bodyTimeout: idleMs,
        ...(body !== undefined && { body }),
      });
    } catch (error) {
      throw this.failure(error);
    }
  }
}

/** A server, or a proxy before it, may send back what it was sent. */
function withoutToken(text: string, { headers }: HttpRequest): string {
  const token = headers['authorization']?.replace(/^Bearer /, '') ?? '';
  if (token === '') return text;
  return text.replaceAll(token, '[redacted]').replaceAll(JSON.stringify(token).slice(1, -1), '[redacted]');
}

async function readText(body: Readable, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** JSON, or the plain text of some refusals; not every proxy names a type. */
function isOfApiServer(contentType: string): boolean {
  return !/^(text\/html|application\/xhtml)/i.test(contentType);
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

const CONNECTION_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ENOTFOUND: 'the name is not known (DNS)',
  EAI_AGAIN: 'the name cannot be looked up now (DNS)',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_BODY_TIMEOUT: 'nothing came for too long',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time',
};

const TLS_FAULT = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|ISSUER|HOSTNAME/;

function explain(error: unknown): { readonly reason: FailureReason; readonly message: string } {
  if (!(error instanceof Error)) return { reason: 'Unreachable', message: String(error) };
  const code = codeOf(error);
  if (error.name === 'TimeoutError') return { reason: 'Timeout', message: 'no answer came in time' };
  if (error.name === 'AbortError') return { reason: 'Aborted', message: 'the request was given up' };
  if (TLS_FAULT.test(code)) {
    const message = `its certificate or ours is not accepted (${code}): check certificate-authority, client certificate and tls-server-name of the kubeconfig`;
    return { reason: 'Untrusted', message };
  }
  const reason = code.endsWith('TIMEOUT') || code === 'ETIMEDOUT' ? 'Timeout' : 'Unreachable';
  return {
    reason,
    message: CONNECTION_FAULTS[code] ?? (code === '' ? error.message : `the connection failed (${code})`),
  };
}

/** Several addresses of one name fail together: the first tells. */
function codeOf(error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return codeOf(error.errors[0]);
  return error.cause instanceof Error ? codeOf(error.cause) : '';
}
