/** What a request to the API server came to, when it did not come to what was asked. Never holds a secret. */
export class ApiError extends Error {
  /** HTTP status; 0 when no answer came (connection, TLS, time, our own access data). */
  readonly status: number;
  /** Kubernetes' own word (`NotFound`, `Expired`, `Conflict`), or ours for status 0: see {@link FailureReason}. */
  readonly reason: string;
  /** How long the server asks to be left alone (`Retry-After`). */
  readonly retryAfterMs?: number;
  /** `details` of the server's Status object. */
  readonly details?: unknown;

  constructor(facts: ApiErrorFacts) {
    super(facts.message, { cause: facts.cause });
    this.name = 'ApiError';
    this.status = facts.status;
    this.reason = facts.reason;
    if (facts.retryAfterMs !== undefined) this.retryAfterMs = facts.retryAfterMs;
    if (facts.details !== undefined) this.details = facts.details;
  }

  /** The resourceVersion or continue token is too old: list anew. */
  get isExpired(): boolean {
    return this.status === 410 || this.reason === 'Expired' || this.reason === 'Gone';
  }

  /** Nobody answered (a redirect is no answer of an API server), or the server could not: another one, or a later time, may do better. */
  get isOutage(): boolean {
    return this.status < 400 || this.status >= 500;
  }
}

/** Whether the second failure goes on with the first: a server that is back and refuses is another trouble than its outage. */
export function isSameTrouble(first: ApiError, second: ApiError): boolean {
  return first.isOutage ? second.isOutage : first.status === second.status;
}

/** Why no answer came: our side has no usable access data, or the way to the server failed. */
export type FailureReason =
  | 'NoAccess'
  | 'Unreachable'
  | 'Untrusted'
  | 'Timeout'
  | 'Aborted'
  | 'Interrupted'
  | 'BadAnswer';

export type ApiErrorFacts = {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  readonly details?: unknown;
  readonly cause?: unknown;
};

/** The error that an answer of status 400 and above stands for; the body should be a Kubernetes Status. */
export function errorOfAnswer(answer: {
  readonly server: string;
  readonly status: number;
  readonly retryAfter?: string | undefined;
  readonly text: string;
}): ApiError {
  const { message, reason, details } = statusFields(answer.text);
  return new ApiError({
    status: answer.status,
    reason: reason ?? `Http${answer.status}`,
    message: message ?? `${answer.server} answered ${answer.status} without saying why`,
    retryAfterMs: retryAfterMs(answer.retryAfter) ?? secondsIn(details),
    details,
  });
}

/** The error that a Status object stands for: what a watch sends in an ERROR event. */
export function errorOfStatus(status: unknown): ApiError {
  const { message, reason, details, code } = statusFields(status);
  return new ApiError({
    status: code ?? 500,
    reason: reason ?? 'Unknown',
    message: message ?? 'the API server reported a failure without saying why',
    retryAfterMs: secondsIn(details),
    details,
  });
}

type StatusFields = { message?: string; reason?: string; details?: unknown; code?: number };

function statusFields(body: unknown): StatusFields {
  const value: unknown = typeof body === 'string' ? parsed(body) : body;
  if (typeof value !== 'object' || value === null || !('kind' in value) || value.kind !== 'Status') return {};
  const fields: StatusFields = {};
  if ('message' in value && typeof value.message === 'string' && value.message !== '') fields.message = value.message;
  if ('reason' in value && typeof value.reason === 'string' && value.reason !== '') fields.reason = value.reason;
  if ('code' in value && typeof value.code === 'number') fields.code = value.code;
  if ('details' in value) fields.details = value.details;
  return fields;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3). */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function secondsIn(details: unknown): number | undefined {
  if (typeof details !== 'object' || details === null || !('retryAfterSeconds' in details)) return undefined;
  const { retryAfterSeconds: seconds } = details;
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined;
}
