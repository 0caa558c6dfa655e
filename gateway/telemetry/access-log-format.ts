/**
 * One finished request as a line: Istio's default text format (EnvoyTextLogFormat of
 * pilot/pkg/model/telemetry_logging.go) or its JSON counterpart. Whatever clients or backends sent is escaped,
 * so that no value can end its field, its line, or reach a terminal as a control sequence.
 */

/** What a line is made of; an empty string prints as `-`. Strings from the wire are latin1 (one char a byte). */
export type AccessLogRecord = {
  /** Milliseconds since the epoch. */
  startTime: number;
  method: string;
  /** As the client sent it, with the query. */
  path: string;
  protocol: string;
  /** 0 when nothing was answered. */
  status: number;
  flags: string;
  details: string;
  connectionTermination: string;
  transportFailure: string;
  bytesReceived: number;
  bytesSent: number;
  durationMs: number;
  /** -1 when no upstream answered. */
  upstreamServiceMs: number;
  forwardedFor: string;
  userAgent: string;
  requestId: string;
  authority: string;
  upstreamHost: string;
  upstreamCluster: string;
  upstreamLocal: string;
  downstreamLocal: string;
  downstreamRemote: string;
  serverName: string;
  routeName: string;
};

/** Istio's default text line, with its newline. */
export function textLine(r: AccessLogRecord): string {
  // One look at all that can come from the wire, instead of one per field; nearly every line is clean.
  const clean = !unsafeInQuotes.test(r.method + r.path + r.forwardedFor + r.userAgent + r.requestId + r.authority);
  const safe = clean ? orDash : quoted;
  return (
    `[${isoTime(r.startTime)}] "${safe(r.method)} ${safe(r.path)} ${orDash(r.protocol)}" ` +
    `${r.status} ${r.flags} ${bare(r.details)} ${bare(r.connectionTermination)} "${quoted(r.transportFailure)}" ` +
    `${r.bytesReceived} ${r.bytesSent} ${Math.round(r.durationMs)} ${r.upstreamServiceMs < 0 ? '-' : r.upstreamServiceMs} ` +
    `"${safe(r.forwardedFor)}" "${safe(r.userAgent)}" "${safe(r.requestId)}" "${safe(r.authority)}" ` +
    `"${orDash(r.upstreamHost)}" ${orDash(r.upstreamCluster)} ${orDash(r.upstreamLocal)} ${orDash(r.downstreamLocal)} ` +
    `${orDash(r.downstreamRemote)} ${bare(r.serverName)} ${bare(r.routeName)}\n`
  );
}

/** The same facts under Istio's JSON names (EnvoyJSONLogFormatIstio); what is absent is null. */
export function jsonLine(r: AccessLogRecord): string {
  const line = JSON.stringify({
    start_time: isoTime(r.startTime),
    method: text(r.method),
    path: text(r.path),
    protocol: text(r.protocol),
    response_code: r.status,
    response_flags: r.flags,
    response_code_details: text(r.details),
    connection_termination_details: text(r.connectionTermination),
    upstream_transport_failure_reason: text(r.transportFailure),
    bytes_received: r.bytesReceived,
    bytes_sent: r.bytesSent,
    duration: Math.round(r.durationMs),
    upstream_service_time: r.upstreamServiceMs < 0 ? null : String(r.upstreamServiceMs),
    x_forwarded_for: text(r.forwardedFor),
    user_agent: text(r.userAgent),
    request_id: text(r.requestId),
    authority: text(r.authority),
    upstream_host: text(r.upstreamHost),
    upstream_cluster: text(r.upstreamCluster),
    upstream_local_address: text(r.upstreamLocal),
    downstream_local_address: text(r.downstreamLocal),
    downstream_remote_address: text(r.downstreamRemote),
    requested_server_name: text(r.serverName),
    route_name: text(r.routeName),
  });
  // JSON leaves DEL, C1 controls and the line separators alone; terminals and line readers do not.
  return unsafeInJson.test(line) ? `${line.replace(unsafeInJsonAll, unicodeEscape)}\n` : `${line}\n`;
}

const unsafeInQuotes = /[^ !#-[\]-~]/;
const unsafeInQuotesAll = /[^ !#-[\]-~]/g;
const unsafeBare = /[^!#-[\]-~]/;
const unsafeBareAll = /[^!#-[\]-~]/g;
const unsafeInJson = /[\x7f-\x9f\u2028\u2029]/;
const unsafeInJsonAll = /[\x7f-\x9f\u2028\u2029]/g;

let lastTime = Number.NaN;
let lastIsoTime = '';

/** Under load many requests begin in one millisecond; formatting it is a microsecond. */
function isoTime(ms: number): string {
  if (ms !== lastTime) {
    lastTime = ms;
    lastIsoTime = new Date(ms).toISOString();
  }
  return lastIsoTime;
}

/** For what is known to be clean: addresses and names that this program composed. */
function orDash(value: string): string {
  return value === '' ? '-' : value;
}

function quoted(value: string): string {
  if (value === '') return '-';
  return unsafeInQuotes.test(value) ? value.replace(unsafeInQuotesAll, byteEscape) : value;
}

function bare(value: string): string {
  if (value === '') return '-';
  return unsafeBare.test(value) ? value.replace(unsafeBareAll, byteEscape) : value;
}

/** `\xHH` as nginx writes it; characters beyond a byte cannot come from the wire, but a name may hold them. */
function byteEscape(char: string): string {
  const code = char.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}` : unicodeEscape(char);
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Wire bytes are read as UTF-8 where they are UTF-8, so that names in other scripts stay readable. */
function text(value: string): string | null {
  if (value === '') return null;
  return highBytes.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}

const highBytes = /[\x80-\xff]/;
