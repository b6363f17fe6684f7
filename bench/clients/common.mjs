// What all clients have in common: the request, and what has to come.

/** On every side the same fields, beside Host. */
export const headers = {
  accept: 'application/json',
  'accept-encoding': 'gzip, deflate, br',
  'user-agent': 'bench',
  connection: 'keep-alive',
};

const document = '{"id":42,"name":"a small document","tags":["one","two","three"],"price":12.5,"stock":true}';
const documentBytes = Buffer.from(document);

/** Calls `done` with an error if it is not the document. */
export function checkText(text, done) {
  done(text === document ? undefined : new Error(`Another body: ${text}`));
}

export function checkBytes(bytes, done) {
  done(documentBytes.equals(bytes) ? undefined : new Error(`Another body: ${bytes}`));
}

export function checkLength(length, wanted, done) {
  done(length === wanted ? undefined : new Error(`${length} bytes came instead of ${wanted}`));
}

/** Collects garbage twice and gives the resident memory after it, in bytes. */
export async function settledMemory() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  return process.memoryUsage.rss();
}

/** Answers the one question of the memory rows: what each of so many idle connections costs, in bytes of RSS and heap. */
export function idleCost(openAll, close) {
  return {
    ask: async ({ connections }) => {
      await openAll(50);
      const before = await settledMemory();
      const heap = process.memoryUsage().heapUsed;
      await openAll(connections);
      const rss = (await settledMemory()) - before;
      const heapUsed = process.memoryUsage().heapUsed - heap;
      await close();
      return { rss: rss / (connections - 50), heap: heapUsed / (connections - 50) };
    },
  };
}
