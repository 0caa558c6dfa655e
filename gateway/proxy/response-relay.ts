import type { Outlet } from '../support/outlet.ts';
import { CHUNK_END, chunkStart, LAST_CHUNK, lastChunkWith } from './codec/chunked.ts';
import type { FieldSection } from './codec/fields.ts';
import type { BodyFraming, ResponseHead } from './codec/response-head.ts';
import { type ForwardResponseOptions, forwardedResponse } from './filter/forwarded-response.ts';

/** What the relay asks of the exchange. */
export interface RelayedExchange {
  readonly isHead: boolean;
  readonly minorVersion: number;
  readonly serviceMs: number;
  readonly context: { readonly settings: { readonly via: boolean } };
  mustClose(): boolean;
  connectionHeader(closes: boolean): '' | 'close' | 'keep-alive';
}

/** How a response body is framed for the client, which may speak another HTTP version than the backend. Reused. */
export class ResponseRelay {
  /** The client's connection ends with this response. */
  closes = false;
  #chunked = false;
  #lastChunk = LAST_CHUNK;
  readonly #options: { -readonly [K in keyof ForwardResponseOptions]: ForwardResponseOptions[K] } = {
    chunked: false,
    serviceMs: 0,
    connection: '',
    via: false,
  };

  /** Called with the final head. Returns whether the connection must end with this response. */
  begin(framing: BodyFraming, exchange: RelayedExchange): boolean {
    const streams = framing === 'chunked' || framing === 'close';
    this.#chunked = streams && exchange.minorVersion === 1;
    this.#lastChunk = LAST_CHUNK;
    return (streams && !this.#chunked) || exchange.mustClose();
  }

  /** The head for the client, as latin1. */
  head(head: ResponseHead, buffer: Buffer, exchange: RelayedExchange, closes: boolean): string {
    this.closes = closes;
    const options = this.#options;
    options.chunked = this.#chunked;
    options.serviceMs = exchange.serviceMs;
    options.connection = exchange.connectionHeader(closes);
    options.via = exchange.context.settings.via;
    return forwardedResponse(head, buffer, options);
  }

  body(outlet: Outlet, buffer: Buffer, start: number, end: number): void {
    if (this.#chunked) {
      outlet.text(chunkStart(end - start));
      outlet.bytes(buffer, start, end);
      outlet.text(CHUNK_END);
    } else outlet.bytes(buffer, start, end);
  }

  /** HTTP/1.0 and bodies of known length have no place for trailers. */
  trailers(trailers: FieldSection, buffer: Buffer): void {
    if (this.#chunked) this.#lastChunk = lastChunkWith(trailers, buffer);
  }

  end(outlet: Outlet): void {
    if (this.#chunked) outlet.text(this.#lastChunk);
  }
}
