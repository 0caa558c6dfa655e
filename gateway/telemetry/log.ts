/**
 * The log of what the program does (not of requests): JSON lines on stderr, one child logger per role.
 * It never prints a secret that comes under a name we know.
 */
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Names under which keys, tokens and credentials travel in this program, at the top and one level down. */
const secretNames = [
  'token',
  'authorization',
  'cookie',
  'password',
  'privateKey',
  'privateKeyPem',
  'ticketKeys',
  'secret',
  'passphrase',
] as const;

/** Made once per process at the composition root and handed down. */
export function openLog(options: {
  role: 'supervisor' | 'control' | 'worker' | 'cli';
  level: 'debug' | 'info' | 'warn' | 'error';
  index?: number;
  /** For tests; stderr otherwise. */
  destination?: DestinationStream;
}): Logger {
  return pino(
    {
      level: options.level,
      base: { role: options.role, pid: process.pid, ...(options.index === undefined ? {} : { worker: options.index }) },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
      serializers: { error: pino.stdSerializers.errWithCause, err: pino.stdSerializers.errWithCause },
    },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
