/**
 * Writes the request head that goes to the backend. It removes what concerns one connection only and what an
 * untrusted client may not claim; it never touches, reorders or re-spells anything else.
 * Called by the exchange once per request, inside the read callback that brought the head.
 */

import { latin1 } from '../../support/latin1.ts';
import { requestId as newRequestId } from '../../support/request-id.ts';
import { FieldFlag } from '../codec/fields.ts';
import { HeaderId } from '../codec/header-names.ts';
import type { RequestHead } from '../codec/request-head.ts';

/** The connection's part of what is written, equal for all its requests. */
export type ForwardingPeer = {
  /** Normalised address of the peer. */
  readonly address: string;
  readonly scheme: 'http' | 'https';
};

export type ForwardedRequest = {
  /** The whole head, empty line included, as latin1. */
  text: string;
  requestId: string;
  /** X-Forwarded-For as sent on. */
  forwardedFor: string;
};

export type ForwardRequestOptions = {
  readonly peer: ForwardingPeer;
  /** Path and query to send. */
  readonly target: string;
  /** Authority to send when the client named none (HTTP/1.0). */
  readonly defaultAuthority: string;
  /** The upgrade that is asked for; empty when there is none, or none that is passed on. */
  readonly upgrade: string;
  /** Lower-case names of headers that stay, even when the client names them in Connection. */
  readonly reliedOn: ReadonlySet<string>;
};

const COPY = 0;
const DROP = 1;
const FORWARDED_FOR = 2;
const REQUEST_ID = 3;
const HOST = 4;
const EXPECT = 5;
const KEEP_PROTO = 6;
const KEEP_HOST = 7;
const VIA = 8;

/** What an untrusted peer may not say: the names behind these are trusted by backends. */
const UNTRUSTED: Readonly<Record<number, number>> = {
  [HeaderId.xForwardedProto]: DROP,
  [HeaderId.xForwardedHost]: DROP,
  [HeaderId.xForwardedPort]: DROP,
  [HeaderId.xForwardedOther]: DROP,
  [HeaderId.xOriginalForwardedFor]: DROP,
  [HeaderId.forwarded]: DROP,
  [HeaderId.xRequestId]: DROP,
  [HeaderId.xEnvoy]: DROP,
  [HeaderId.xEnvoyUpstreamServiceTime]: DROP,
  [HeaderId.xEnvoyExternalAddress]: DROP,
};

const TRUSTED: Readonly<Record<number, number>> = {
  [HeaderId.xForwardedProto]: KEEP_PROTO,
  [HeaderId.xForwardedHost]: KEEP_HOST,
  [HeaderId.xRequestId]: REQUEST_ID,
};

const ALWAYS: Readonly<Record<number, number>> = {
  [HeaderId.host]: HOST,
  [HeaderId.xForwardedFor]: FORWARDED_FOR,
  // There is no mutual TLS here whose identity it could carry, so nobody may bring one.
  [HeaderId.xForwardedClientCert]: DROP,
  [HeaderId.expect]: EXPECT,
};

/** Made once per worker. */
export class RequestForwarder {
  readonly #actions = new Uint8Array(64);
  readonly #via: boolean;
  /** Reused for every request: read it before the next. */
  readonly #result: ForwardedRequest = { text: '', requestId: '', forwardedFor: '' };

  constructor(options: { trustsPeers: boolean; via: boolean }) {
    const rules = {
      ...ALWAYS,
      ...(options.trustsPeers ? TRUSTED : UNTRUSTED),
      ...(options.via ? { [HeaderId.via]: VIA } : {}),
    };
    for (const [id, action] of Object.entries(rules)) this.#actions[Number(id)] = action;
    this.#via = options.via;
  }

  /** Builds the head. The result object is the forwarder's own and is overwritten by the next call. */
  forward(head: RequestHead, buffer: Buffer, options: ForwardRequestOptions): ForwardedRequest {
    const { peer } = options;
    let text = `${head.method} ${options.target} HTTP/1.1\r\n`;
    let forwardedFor = '';
    let requestId = '';
    let via = '';
    let keptProto = false;
    let keptHost = false;
    let runStart = -1;
    for (let i = 0; i < head.count; i++) {
      const action = this.#actions[head.ids[i] as number] as number;
      const copies =
        (head.flags[i] === 0 || isReliedOn(head, buffer, i, options.reliedOn)) &&
        (action === COPY ||
          (action === HOST && !head.authorityFromTarget) ||
          (action === EXPECT && head.expectContinue) ||
          (action === REQUEST_ID && requestId === '') ||
          (action === KEEP_PROTO && !keptProto) ||
          (action === KEEP_HOST && !keptHost));
      if (copies) {
        if (runStart === -1) runStart = head.nameStart[i] as number;
        if (action === REQUEST_ID) requestId = head.value(buffer, i);
        else if (action === KEEP_PROTO) keptProto = true;
        else if (action === KEEP_HOST) keptHost = true;
        continue;
      }
      if (runStart !== -1) {
        text += latin1(buffer, runStart, head.nameStart[i] as number);
        runStart = -1;
      }
      if (action === FORWARDED_FOR) forwardedFor = joined(forwardedFor, head.value(buffer, i));
      else if (action === VIA) via = joined(via, head.value(buffer, i));
    }
    if (runStart !== -1) text += latin1(buffer, runStart, head.nameStart[head.count] as number);
    if (head.authorityFromTarget) text += `host: ${head.authority}\r\n`;
    else if (head.hostIndex === -1) text += `host: ${options.defaultAuthority}\r\n`;
    forwardedFor = joined(forwardedFor, peer.address);
    text += `x-forwarded-for: ${forwardedFor}\r\n`;
    if (!keptProto) text += `x-forwarded-proto: ${peer.scheme}\r\n`;
    if (!keptHost && head.authority !== '') text += `x-forwarded-host: ${head.authority}\r\n`;
    if (requestId === '') {
      requestId = newRequestId();
      text += `x-request-id: ${requestId}\r\n`;
    }
    if (this.#via) text += `via: ${joined(via, '1.1 mesh-gateway')}\r\n`;
    if (head.chunked) text += 'transfer-encoding: chunked\r\n';
    if (options.upgrade !== '') text += `connection: upgrade\r\nupgrade: ${options.upgrade}\r\n`;
    else if (head.teTrailers) text += 'connection: te\r\nte: trailers\r\n';
    const result = this.#result;
    result.text = `${text}\r\n`;
    result.requestId = requestId;
    result.forwardedFor = forwardedFor;
    return result;
  }
}

/** RFC 9110 §7.6.1 lets a client name any header as its connection's own; what was routed by must arrive all the same. */
function isReliedOn(head: RequestHead, buffer: Buffer, index: number, names: ReadonlySet<string>): boolean {
  return (
    names.size > 0 && head.flags[index] === FieldFlag.nominated && names.has(head.name(buffer, index).toLowerCase())
  );
}

function joined(list: string, value: string): string {
  return list === '' ? value : `${list}, ${value}`;
}
