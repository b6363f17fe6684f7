// One client in a process of its own: worker.mjs NAME OPTIONS. A line of JSON in asks for a slot, one out tells of it.
import { createInterface } from 'node:readline';
import { clients } from './clients/index.mjs';

const [name, options] = process.argv.slice(2);
const client = await clients[name](JSON.parse(options));
let latencies = new Float64Array(1 << 16);

/**
 * Keeps `concurrency` operations under way for `ms`, and waits for the last: what is begun is counted. The client's
 * `start(done)` begins one, and has checked what came when it calls `done`.
 */
function slot({ concurrency, ms }) {
  return new Promise((resolve, reject) => {
    let running = concurrency;
    let count = 0;
    const cpu = process.cpuUsage();
    const began = performance.now();
    const until = began + ms;
    const lane = () => {
      let since = performance.now();
      const next = () => client.start(done);
      const done = error => {
        if (error != null) {
          reject(error);
          return;
        }
        const now = performance.now();
        if (count === latencies.length) latencies = grown(latencies);
        latencies[count++] = now - since;
        since = now;
        if (now < until) next();
        else if (--running === 0) finish();
      };
      next();
    };
    const finish = () => {
      const elapsed = performance.now() - began;
      const { user, system } = process.cpuUsage(cpu);
      const sorted = latencies.subarray(0, count).slice().sort();
      resolve({
        work: count * (client.unit ?? 1),
        elapsed,
        cpu: user + system,
        p50: sorted[count >> 1],
        p99: sorted[Math.floor(count * 0.99)],
        rss: process.memoryUsage.rss(),
      });
    };
    for (let i = 0; i < concurrency; i++) lane();
  });
}

function grown(array) {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

const print = value => process.stdout.write(`${JSON.stringify(value)}\n`);
createInterface({ input: process.stdin })
  .on('line', line => {
    // A client may answer other questions than for a slot.
    const question = JSON.parse(line);
    Promise.resolve(client.ask === undefined ? slot(question) : client.ask(question, slot)).then(print, error => {
      console.error(name, error);
      process.exit(1);
    });
  })
  .on('close', () => process.exit());
print('ready');
