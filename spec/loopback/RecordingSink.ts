import type { Transport, TransportSink } from '../../src/endpoint/index.js';
import { until } from './until.js';

/** Writes down what a transport tells, in order: `data:text`, `end`, `closed` or `closed:code`. */
export class RecordingSink implements TransportSink {
  readonly log: string[] = [];
  readonly chunks: Buffer[] = [];
  error: Error | undefined;
  /** Sum of the chunks' lengths, in bytes. */
  size = 0;
  /** Is called inside `data`, after the bytes were noted. */
  onData: ((view: Uint8Array) => void) | undefined;

  constructor(onData?: (view: Uint8Array) => void) {
    this.onData = onData;
  }

  /** A sink that reads `transport` from now on. */
  static reading(transport: Transport, onData?: (view: Uint8Array) => void): RecordingSink {
    const sink = new RecordingSink(onData);
    transport.read(sink);
    return sink;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  get isClosed(): boolean {
    return this.log.some(entry => entry.startsWith('closed'));
  }

  data(view: Uint8Array): void {
    const chunk = Buffer.from(view);
    this.chunks.push(chunk);
    this.size += chunk.length;
    this.log.push(`data:${chunk.length > 20 ? chunk.length : chunk.toString('latin1')}`);
    this.onData?.(view);
  }

  end(): void {
    this.log.push('end');
  }

  closed(error?: Error & { code?: string }): void {
    this.error = error;
    this.log.push(error === undefined ? 'closed' : `closed:${error.code ?? error.message}`);
  }

  /** Resolves when so many bytes have come. */
  async received(size: number): Promise<void> {
    await until(() => this.size >= size, `${size} bytes`);
  }

  async ended(): Promise<void> {
    await until(() => this.log.includes('end'), 'the end');
  }

  async closing(): Promise<void> {
    await until(() => this.isClosed, 'the close');
  }
}
