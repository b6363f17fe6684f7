import { PassThrough, type Duplex } from 'node:stream';
import type { Transport, TransportInfo } from '../../../src/endpoint/index.js';

/** A transport that carries nothing: the pool hands it from the endpoint to the protocol, and may destroy it. */
export class FakeTransport implements Transport {
  destroyed = 0;
  readonly info: TransportInfo = { authority: 'fake', secure: false, timings: {} };

  destroy(): void {
    this.destroyed++;
  }

  read(): void {}
  write(): boolean {
    return true;
  }
  drained(): void {}
  ownBuffer(): void {}
  unshift(): void {}
  pause(): void {}
  resume(): void {}
  ref(): void {}
  unref(): void {}
  end(): void {}
  toDuplex(): Duplex {
    return new PassThrough();
  }
}
