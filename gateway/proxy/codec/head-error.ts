/**
 * Every way a message head, a chunked body or a request target can be wrong. Parsers return the code (always negative);
 * after any of them the connection carries nothing more that could be trusted and must be closed.
 */
export const HeadError = {
  invalidRequestLine: -1,
  invalidMethod: -2,
  invalidTarget: -3,
  invalidVersion: -4,
  unsupportedVersion: -5,
  http2Preface: -6,
  connectRefused: -7,
  targetTooLong: -8,
  headTooLarge: -9,
  tooManyFields: -10,
  bareLineFeed: -11,
  bareCarriageReturn: -12,
  lineFolding: -13,
  invalidFieldName: -14,
  blankBeforeColon: -15,
  invalidFieldValue: -16,
  missingHost: -17,
  repeatedHost: -18,
  invalidHost: -19,
  invalidContentLength: -20,
  repeatedContentLength: -21,
  lengthAndEncoding: -22,
  invalidTransferEncoding: -23,
  unsupportedTransferEncoding: -24,
  encodingInHttp10: -25,
  invalidConnection: -26,
  unsupportedExpectation: -27,
  invalidStatusLine: -28,
  bodyNotAllowed: -29,
  invalidChunkSize: -30,
  invalidChunkExtension: -31,
  chunkExtensionTooLong: -32,
  invalidChunkEnd: -33,
  trailersTooLarge: -34,
  invalidPath: -35,
  pathAboveRoot: -36,
  headTimeout: -37,
  framingInTrailers: -38,
} as const;

export type HeadErrorCode = (typeof HeadError)[keyof typeof HeadError];

/** What a code means to others: the status for a request (a response is 502 whatever the code) and words for log and body. */
export type HeadErrorInfo = {
  readonly status: 400 | 408 | 414 | 417 | 431 | 501 | 505;
  /** Short and stable, for the access log's response code details. */
  readonly detail: string;
  /** One sentence for a person; never holds bytes of the message. */
  readonly reason: string;
};

const INFO: Readonly<Record<keyof typeof HeadError, HeadErrorInfo>> = {
  invalidRequestLine: { status: 400, detail: 'http1.invalid_request_line', reason: 'The request line is malformed.' },
  invalidMethod: { status: 400, detail: 'http1.invalid_method', reason: 'The method is not an upper-case token.' },
  invalidTarget: { status: 400, detail: 'http1.invalid_url', reason: 'The request target is malformed.' },
  invalidVersion: { status: 400, detail: 'http1.invalid_version', reason: 'The HTTP version is malformed.' },
  unsupportedVersion: {
    status: 505,
    detail: 'http1.unsupported_version',
    reason: 'Only HTTP/1.0 and HTTP/1.1 are spoken here.',
  },
  http2Preface: { status: 505, detail: 'http1.http2_preface', reason: 'HTTP/2 is not spoken on this connection.' },
  connectRefused: { status: 501, detail: 'http1.connect_refused', reason: 'CONNECT is not served.' },
  targetTooLong: { status: 414, detail: 'http1.url_too_long', reason: 'The request target is too long.' },
  headTooLarge: { status: 431, detail: 'http1.headers_too_large', reason: 'The header section is too large.' },
  tooManyFields: { status: 431, detail: 'http1.too_many_headers', reason: 'There are too many header fields.' },
  bareLineFeed: { status: 400, detail: 'http1.bare_lf', reason: 'A line ends with LF instead of CR LF.' },
  bareCarriageReturn: { status: 400, detail: 'http1.bare_cr', reason: 'A CR is not followed by LF.' },
  lineFolding: { status: 400, detail: 'http1.line_folding', reason: 'A header line is folded.' },
  invalidFieldName: { status: 400, detail: 'http1.invalid_header_name', reason: 'A header name is not a token.' },
  blankBeforeColon: {
    status: 400,
    detail: 'http1.blank_before_colon',
    reason: 'A header name is followed by a blank.',
  },
  invalidFieldValue: { status: 400, detail: 'http1.invalid_header', reason: 'A header value holds a control byte.' },
  missingHost: { status: 400, detail: 'http1.missing_host', reason: 'The Host header is missing.' },
  repeatedHost: { status: 400, detail: 'http1.repeated_host', reason: 'The Host header is repeated.' },
  invalidHost: { status: 400, detail: 'http1.invalid_host', reason: 'The Host header is not a valid host and port.' },
  invalidContentLength: {
    status: 400,
    detail: 'http1.invalid_content_length',
    reason: 'Content-Length is not a number.',
  },
  repeatedContentLength: {
    status: 400,
    detail: 'http1.repeated_content_length',
    reason: 'Content-Length is repeated.',
  },
  lengthAndEncoding: {
    status: 400,
    detail: 'http1.content_length_and_chunked_not_allowed',
    reason: 'Content-Length and Transfer-Encoding exclude each other.',
  },
  invalidTransferEncoding: {
    status: 400,
    detail: 'http1.invalid_transfer_encoding',
    reason: 'Transfer-Encoding is malformed.',
  },
  unsupportedTransferEncoding: {
    status: 501,
    detail: 'http1.unsupported_transfer_encoding',
    reason: 'Of all transfer codings only chunked is served.',
  },
  encodingInHttp10: {
    status: 400,
    detail: 'http1.transfer_encoding_in_http10',
    reason: 'HTTP/1.0 has no Transfer-Encoding.',
  },
  invalidConnection: {
    status: 400,
    detail: 'http1.connection_header_rejected',
    reason: 'The Connection header is malformed.',
  },
  unsupportedExpectation: {
    status: 417,
    detail: 'http1.unsupported_expectation',
    reason: 'Only 100-continue can be expected.',
  },
  invalidStatusLine: { status: 400, detail: 'http1.invalid_status_line', reason: 'The status line is malformed.' },
  bodyNotAllowed: {
    status: 400,
    detail: 'http1.body_disallowed',
    reason: 'A response that has no body announces one.',
  },
  invalidChunkSize: { status: 400, detail: 'http1.invalid_chunk_size', reason: 'A chunk size is malformed.' },
  invalidChunkExtension: {
    status: 400,
    detail: 'http1.invalid_chunk_extension',
    reason: 'A chunk extension is malformed.',
  },
  chunkExtensionTooLong: {
    status: 400,
    detail: 'http1.chunk_extensions_too_long',
    reason: 'Chunk extensions are too long.',
  },
  invalidChunkEnd: { status: 400, detail: 'http1.invalid_chunk_end', reason: 'A chunk does not end with CR LF.' },
  trailersTooLarge: { status: 431, detail: 'http1.trailers_too_large', reason: 'The trailer section is too large.' },
  framingInTrailers: {
    status: 400,
    detail: 'http1.framing_in_trailers',
    reason: 'A trailer would change the framing.',
  },
  invalidPath: { status: 400, detail: 'http1.path_normalization_failed', reason: 'The path cannot be normalised.' },
  pathAboveRoot: { status: 400, detail: 'http1.path_above_root', reason: 'The path climbs above the root.' },
  headTimeout: { status: 408, detail: 'http1.header_timeout', reason: 'The request head took too long.' },
};

const BY_CODE: readonly HeadErrorInfo[] = Object.entries(HeadError).reduce<HeadErrorInfo[]>((table, [name, code]) => {
  table[-code] = INFO[name as keyof typeof HeadError];
  return table;
}, []);

/** Looks up a code that a parser returned; an unknown code is a programming mistake and throws. */
export function headErrorInfo(code: number): HeadErrorInfo {
  const info = BY_CODE[-code];
  if (info === undefined) throw new RangeError(`${code} is no head error code`);
  return info;
}
