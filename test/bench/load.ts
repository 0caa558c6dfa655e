/**
 * The programs that make load, each run once for one measurement, and what they print turned into figures.
 */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { loadCore } from './process-tree.ts';
import { percentile } from './statistics.ts';

export type Load = {
  /** Finished requests, or handshakes. */
  readonly count: number;
  readonly perSecond: number;
  readonly p50Us?: number;
  readonly p99Us?: number;
  /** In the load program's words; empty when all went well. */
  readonly errors: string;
};

/** What a load program noted: figures when asked for, since reading tens of thousands of lines takes cores from what runs. */
export type Notes = () => Load;

const run = promisify(execFile);
const connections = 64;
export const fixedRate = 2_500;
let logs = 0;

/** As many requests as go through 64 kept-alive connections. `script` is a wrk Lua script. */
export async function saturate(url: string, seconds: number, script?: string): Promise<Load> {
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    ...(script === undefined ? [] : ['-s', script]),
    url,
  ];
  const { stdout } = await pinned('wrk', args);
  return {
    count: Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0),
    p50Us: microseconds(/50%\s+([\d.]+)(us|ms|s)/.exec(stdout)),
    p99Us: microseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(stdout)),
    errors: [/Socket errors:.*/.exec(stdout)?.[0], /Non-2xx.*/.exec(stdout)?.[0]].filter(Boolean).join('; '),
  };
}

/**
 * 2,500 requests a second over 64 kept-alive connections: what a gateway costs when it is not busy. h2load starts all
 * connections at once, and each then sends at its own steady rate: 64 requests in one millisecond, and then none for a
 * while.
 */
export async function atFixedRate(url: string, seconds: number, folder: string): Promise<Load> {
  const notes = await measured(fixedRate, [`-D${seconds}`, url], folder);
  return notes();
}

/**
 * So many requests a second, spread over it: the 64 connections start one after the other, at least one a millisecond. That
 * is how requests of many clients come, and their times are not those of a queue of 64.
 */
export async function evenRateOf(perSecond: number, url: string, seconds: number, folder: string): Promise<Notes> {
  const perMs = Math.max(1, Math.round(perSecond / 1_000));
  return measured(perSecond, [`-n${perSecond * seconds}`, `-r${perMs}`, '--rate-period=1ms', url], folder);
}

async function measured(perSecond: number, more: readonly string[], folder: string): Promise<Notes> {
  logs += 1;
  const log = path.join(folder, `h2load-${logs}.log`);
  const rate = String(perSecond / connections);
  const args = ['--h1', `-c${connections}`, `--rps=${rate}`, `--log-file=${log}`, ...more];
  const { stdout } = await pinned('h2load', args);
  return () => figuresOf(log, Number(/finished in [\d.]+s, ([\d.]+) req\/s/.exec(stdout)?.[1] ?? 0));
}

function figuresOf(log: string, perSecond: number): Load {
  const rows = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split('\t').map(Number));
  rmSync(log);
  const durations = rows.map((row) => row[2] ?? 0).sort((a, b) => a - b);
  const failed = rows.filter((row) => row[1] !== 200).length;
  return {
    count: rows.length,
    perSecond,
    p50Us: percentile(durations, 50),
    p99Us: percentile(durations, 99),
    errors: failed === 0 ? '' : `${failed} not answered with 200`,
  };
}

/**
 * TLS 1.3 handshakes one after the other. `full`: without a session and without a request. `resumed`: each takes up the
 * session of the one before, which needs one request, since TLS 1.3 brings the ticket after the handshake.
 */
export async function handshakes(port: number, seconds: number, kind: 'full' | 'resumed'): Promise<Load> {
  const how = kind === 'full' ? ['-new'] : ['-reuse', '-www', '/'];
  const args = ['s_time', '-connect', `127.0.0.1:${port}`, '-tls1_3', ...how, '-time', String(seconds)];
  const { stdout, stderr } = await pinned('openssl', args);
  const count = Number(/^(\d+) connections in \d+ real seconds/m.exec(stdout)?.[1] ?? 0);
  // one character a connection: `r` resumed, `*` not
  const marks = stdout
    .split('\n')
    .filter((line) => /^[r*]+$/.test(line))
    .join('');
  const resumed = marks.replaceAll('*', '').length;
  const wrong = kind === 'full' ? resumed : marks.length - resumed;
  const errors =
    count === 0 ? (stderr.trim().split('\n').at(-1) ?? 'none') : wrong > 1 ? `${wrong} of ${count} not ${kind}` : '';
  return { count, perSecond: count / seconds, errors };
}

/** What one connection negotiates: to show that all peers are measured at the same. */
export async function negotiated(port: number): Promise<string> {
  const { stdout, stderr } = await run('sh', ['-c', `openssl s_client -connect 127.0.0.1:${port} -brief </dev/null`]);
  const fact = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stdout + stderr)?.[1] ?? '?';
  return [fact('Protocol version'), fact('Ciphersuite'), fact('Server Temp Key'), fact('Signature type')].join(' ');
}

async function pinned(program: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return run('taskset', ['-c', loadCore, program, ...args], { maxBuffer: 1 << 26 });
}

function microseconds(match: RegExpExecArray | null): number {
  const scale = { us: 1, ms: 1_000, s: 1_000_000 };
  return match === null ? Number.NaN : Number(match[1]) * scale[match[2] as keyof typeof scale];
}
