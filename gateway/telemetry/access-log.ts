/**
 * Writes one line per finished request, buffered, to a file or stdout. It never blocks a request: when the
 * disk cannot keep up, lines are dropped and counted. Called by the request path at the end of each exchange.
 */
import sonicBoom, { type SonicBoom } from 'sonic-boom';
import { type AccessLogRecord, jsonLine, textLine } from './access-log-format.ts';

/** Lines wait at most this long... */
const FLUSH_MS = 500;
/** ...or until so many characters are together. Workers share a file by appending whole writes to it. */
const FILE_BATCH = 32 * 1024;
/** Workers also share stdout; a pipe takes only 4096 bytes (PIPE_BUF) without mixing them with another's. */
const STDOUT_BATCH = 4096;
/** More than this is not kept in memory; further lines are dropped. */
const MAX_LENGTH = 16 * 1024 * 1024;

export type AccessLogOptions = {
  readonly format: 'text' | 'json' | 'off';
  /** A path, or `-` for stdout. Created with mode 0640. */
  readonly file: string;
  /** Called when so many lines were lost. */
  readonly onDrop?: (lines: number) => void;
  /** Called when the file cannot be opened or written (at most once until a write works again). */
  readonly onError?: (error: Error) => void;
};

/** What the request path needs of an access log. */
export interface AccessLogSink {
  /** False for `off`: the caller then does not even gather the facts. */
  readonly enabled: boolean;
  write(record: AccessLogRecord): void;
}

/** The access log of one worker. `close()` is called by who opened it. */
export class AccessLog implements AccessLogSink {
  readonly enabled: boolean;
  readonly #format: (record: AccessLogRecord) => string;
  readonly #isFile: boolean;
  readonly #sink: SonicBoom | undefined;
  readonly #batch: number;
  readonly #flushing: NodeJS.Timeout | undefined;
  readonly #onDrop: (lines: number) => void;
  #failing = false;
  /** Lines that wait. The sink looks at all it holds for every write, so it is given batches, not lines. */
  #waiting = '';

  constructor(options: AccessLogOptions) {
    this.enabled = options.format !== 'off';
    this.#format = options.format === 'json' ? jsonLine : textLine;
    this.#isFile = options.file !== '-';
    this.#batch = this.#isFile ? FILE_BATCH : STDOUT_BATCH;
    this.#onDrop = options.onDrop ?? (() => undefined);
    if (!this.enabled) return;
    const sink = new sonicBoom.SonicBoom({
      dest: this.#isFile ? options.file : 1,
      mode: 0o640,
      append: true,
      mkdir: false,
      sync: false,
      minLength: 1,
      maxWrite: this.#batch,
      maxLength: MAX_LENGTH,
    });
    sink.on('drop', (lines: string) => this.#onDrop(lines.split('\n').length - 1));
    sink.on('write', () => {
      this.#failing = false;
    });
    sink.on('error', (error: Error) => {
      if (!this.#failing) options.onError?.(error);
      this.#failing = true;
    });
    this.#sink = sink;
    this.#flushing = setInterval(() => this.#flush(), FLUSH_MS);
    this.#flushing.unref();
  }

  /** Queues the line of a finished request. */
  write(record: AccessLogRecord): void {
    const line = this.#format(record);
    if (this.#waiting.length + line.length > this.#batch) this.#flush();
    this.#waiting += line;
  }

  /** Opens the file anew, after a log rotation has moved it away. stdout is left as it is. */
  reopen(): void {
    this.#flush();
    if (this.#isFile) this.#sink?.reopen();
  }

  /** Writes out what is queued and closes. Resolves also when that fails: a full disk must not hold up an exit. */
  async close(): Promise<void> {
    const sink = this.#sink;
    if (sink === undefined) return;
    clearInterval(this.#flushing);
    this.#flush();
    await new Promise<void>((resolve) => {
      sink.once('close', resolve);
      sink.once('error', () => resolve());
      sink.end();
    });
  }

  #flush(): void {
    if (this.#waiting === '') return;
    const lines = this.#waiting;
    this.#waiting = '';
    this.#sink?.write(lines);
  }
}
