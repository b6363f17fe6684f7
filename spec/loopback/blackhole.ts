import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { turns, until } from './until.js';

const program = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    // Blocks the loop, so that nothing is ever accepted.
    Atomics.wait(workerData, 0, 0);
    process.exit();
  });
`;

export interface Blackhole {
  readonly port: number;
  close(): Promise<void>;
}

/** A port that answers no SYN: its accept queue is full, and the kernel drops what does not fit. */
export async function blackhole(): Promise<Blackhole> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(program, { eval: true, workerData: gate });
  const [port] = (await once(worker, 'message')) as [number];

  // Fills the queue: connects one after the other until one hangs.
  const fillers: Socket[] = [];
  for (let full = false; !full;) {
    const filler = connect({ port, host: '127.0.0.1' });
    filler.on('error', () => undefined);
    fillers.push(filler);
    await until(() => !filler.connecting, '', 200).catch(() => undefined);
    // On a busy machine the time may have passed without a look at the sockets.
    await turns(3);
    full = filler.connecting;
  }
  return {
    port,
    close: async () => {
      for (const filler of fillers) filler.destroy();
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      await worker.terminate();
    },
  };
}
