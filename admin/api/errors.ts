/**
 * The one shape of every error of the admin API: `{ "error": { "code", "message", "details"? } }`.
 * Codes are API: a client switches on them, people read the message.
 */

/** Every code with the HTTP status it comes with. */
export const errorStatus = {
  'bad-request': 400,
  unauthorized: 401,
  'forbidden-origin': 403,
  'not-writable': 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  conflict: 409,
  'precondition-failed': 412,
  'payload-too-large': 413,
  'unsupported-media-type': 415,
  'misdirected-host': 421,
  invalid: 422,
  'too-many-failures': 429,
  'header-too-large': 431,
  internal: 500,
  unavailable: 503,
  timeout: 504,
} as const;

export type ErrorCode = keyof typeof errorStatus;

export type ErrorBody = {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly details?: unknown };
};

/** Thrown by guards and routes; the app's error handler turns it into the answer. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    more: { readonly details?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.code = code;
    this.details = more.details;
    this.headers = more.headers ?? {};
  }

  get status(): number {
    return errorStatus[this.code];
  }
}

/** The JSON body of an error. */
export function errorBody(code: ErrorCode, message: string, details?: unknown): ErrorBody {
  return { error: details === undefined ? { code, message } : { code, message, details } };
}
