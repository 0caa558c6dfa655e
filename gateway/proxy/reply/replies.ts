/**
 * Every answer that is our own: the one place where a status code is chosen. Flags and details are Envoy's, so
 * that people who read its logs can read ours. Called by the exchange; sends nothing itself.
 */
import type { Denied } from '../../snapshot/route.ts';
import { ResponseFlag } from '../../telemetry/response-flags.ts';
import { headErrorInfo } from '../codec/head-error.ts';
import type { Fault } from '../types.ts';

/** An answer of our own. */
export type Reply = {
  readonly status: number;
  /** Index of `responseFlags`. */
  readonly flag: number;
  readonly details: string;
  /** Ends in a newline; text/plain. */
  readonly body: string;
  /** For redirects. */
  readonly location?: string;
  /** The connection cannot carry another request. */
  readonly closes?: true;
};

export const replies = {
  routeNotFound: {
    status: 404,
    flag: ResponseFlag.NR,
    details: 'route_not_found',
    body: 'no route matches this request\n',
  },
  hostNotFound: {
    status: 404,
    flag: ResponseFlag.NR,
    details: 'route_not_found',
    body: 'no virtual host has this name\n',
  },
  clusterNotFound: {
    status: 503,
    flag: ResponseFlag.NC,
    details: 'cluster_not_found',
    body: 'the destination of this route does not exist\n',
  },
  noHealthyEndpoint: {
    status: 503,
    flag: ResponseFlag.UH,
    details: 'no_healthy_upstream',
    body: 'no healthy upstream\n',
  },
  overflow: {
    status: 503,
    flag: ResponseFlag.UO,
    details: 'upstream_reset_before_response_started{overflow}',
    body: 'too many requests are waiting for this destination\n',
  },
  responseTimeout: {
    status: 504,
    flag: ResponseFlag.UT,
    details: 'response_timeout',
    body: 'upstream request timeout\n',
  },
  streamIdle: {
    status: 504,
    flag: ResponseFlag.SI,
    details: 'stream_idle_timeout',
    body: 'stream timeout\n',
  },
  headTimeout: {
    status: 408,
    flag: ResponseFlag.DT,
    details: 'request_header_timeout',
    body: 'the request head took too long\n',
    closes: true,
  },
  bodyTimeout: {
    status: 408,
    flag: ResponseFlag.DT,
    details: 'request_body_timeout',
    body: 'the request body took too long\n',
    closes: true,
  },
  missingAuthority: {
    status: 400,
    flag: ResponseFlag.DPE,
    details: 'http1.missing_host',
    body: 'the request names no host\n',
    closes: true,
  },
  exception: {
    status: 500,
    flag: ResponseFlag.LR,
    details: 'internal_error',
    body: 'internal error of the gateway\n',
    closes: true,
  },
} as const satisfies Readonly<Record<string, Reply>>;

/** The answer to a request that is no acceptable HTTP/1.1; `code` is a parser's. */
export function malformedRequest(code: number): Reply {
  const { status, detail, reason } = headErrorInfo(code);
  return { status, flag: ResponseFlag.DPE, details: detail, body: `${reason}\n`, closes: true };
}

/** The answer when a listener has no virtual host at all: says where to put objects. */
export function nothingServed(hint: string): Reply {
  return { ...replies.hostNotFound, body: hint.endsWith('\n') ? hint : `${hint}\n` };
}

/** The answer of a host that is closed. Who may be told why reads it in the access log. */
export function accessDenied({ policies }: Denied): Reply {
  return {
    status: 403,
    flag: ResponseFlag.UAEX,
    details: `not_enforced{${policies.join(',')}}`,
    body: 'access denied\n',
  };
}

/** A VirtualService's `directResponse`. */
export function directResponse(action: { readonly status: number; readonly body: string }): Reply {
  return { status: action.status, flag: ResponseFlag.NONE, details: 'direct_response', body: action.body };
}

/** The answer to a failure before any byte of a response was passed on. */
export function replyToFault(fault: Fault): Reply {
  switch (fault.what) {
    case 'connect-failed':
      return upstreamReply(503, ResponseFlag.UF, 'remote_connection_failure', 'connection failure');
    case 'connect-timeout':
      return upstreamReply(503, ResponseFlag.UF, 'connection_timeout', 'connection timeout');
    case 'destination-refused':
      return {
        status: 503,
        flag: ResponseFlag.UF,
        details: 'destination_refused',
        body: 'this gateway does not send requests to that destination\n',
      };
    case 'reset':
      return upstreamReply(503, ResponseFlag.UC, 'connection_termination', 'connection termination');
    case 'protocol-error':
      return upstreamReply(502, ResponseFlag.UPE, 'protocol_error', 'protocol error');
    case 'response-timeout':
      return replies.responseTimeout;
    case 'stream-idle':
      return replies.streamIdle;
    default:
      return replies.exception;
  }
}

/** Flag of a failure after the response had begun, when nothing can be answered any more. */
export function flagOfFault(fault: Fault): number {
  return replyToFault(fault).flag;
}

function upstreamReply(status: number, flag: number, reason: string, words: string): Reply {
  return {
    status,
    flag,
    details: `upstream_reset_before_response_started{${reason}}`,
    body: `upstream connect error or disconnect/reset before headers. reset reason: ${words}\n`,
  };
}
