import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { defer, firstValueFrom, lastValueFrom } from 'rxjs';
import type { Check } from '../Check.js';
import { largeSize, sha1 } from '../Ground.js';

/** What comes down, in all framings: read to its end, as it was sent, and the connection is used again. */
export const bodies: Check = {
  name: 'bodies',
  setup: 'steady',
  async run(site) {
    const { tally, server, ground } = site;
    const { expect } = tally;
    const is = expect.bind(tally);
    const agent = site.agent();
    const plain = await site.getFile(agent, 20);
    is(plain.headers.get('content-length') === String(plain.body.length), 'a file without Content-Length');
    is((await site.getFile(agent, 0)).body.length === 0, 'an empty file has bytes');

    const chunked = await site.get(agent, '/app/id?id=7&slow');
    is(chunked.headers.get('transfer-encoding') === 'chunked', 'it was not chunked');
    is(Buffer.from(chunked.body).toString() === 'GET 7 /app/id?id=7&slow', 'chunks: other bytes');

    const head = await site.ask(agent, { url: '/files/20', method: 'HEAD' });
    is(head.status === 200 && head.body.length === 0, 'HEAD with a body');
    is(head.headers.get('content-length') === String(plain.body.length), 'HEAD without the length of the body');

    const etag = plain.headers.get('etag');
    const validator: Record<string, string> =
      etag === null ? { 'if-modified-since': plain.headers.get('last-modified')! } : { 'if-none-match': etag };
    const unchanged = await site.ask(agent, { url: '/files/20', headers: validator });
    is(unchanged.status === 304 && unchanged.body.length === 0, `${unchanged.status} instead of 304`);

    const ranged = await site.ask(agent, { url: '/files/20', headers: { range: 'bytes=100-199' } });
    if (server.abilities.ranges) {
      is(ranged.status === 206, `${ranged.status} instead of 206`);
      is(Buffer.from(plain.body).subarray(100, 200).equals(ranged.body), 'other bytes than those of the range');
    } else is(ranged.status === 200 && ranged.body.length === plain.body.length, 'not the whole instead of a range');

    const asItIs = agent.extend({ decompress: false });
    const sent = await site.ask(asItIs, { url: '/files/text.txt', headers: { 'accept-encoding': 'gzip' } });
    is((sent.headers.get('content-encoding') === 'gzip') === server.abilities.gzip, 'gzip, or not gzip');
    is(
      sha1(server.abilities.gzip ? gunzipSync(sent.body) : sent.body) === ground.sums.get('text.txt'),
      'gzip: other bytes',
    );
    const text = await site.get(agent, '/files/text.txt');
    is(text.headers.get('content-encoding') === null, 'an encoding that was undone is still told');
    is(sha1(text.body) === ground.sums.get('text.txt'), 'decoded: other bytes');

    const empty = await site.get(agent, '/empty');
    is(empty.status === 204 && empty.body.length === 0, `${empty.status} instead of 204`);
    const moved = await site.get(agent, '/moved');
    is(moved.status === 302 && /\/files\/1$/.test(moved.headers.get('location') ?? ''), 'no redirect to be seen');
    const missing = await site.get(agent, '/files/none');
    is(missing.status === 404, `${missing.status} instead of 404`);

    await site.getFile(agent, 1);
    const { opened } = agent.pool.stats();
    // A server may end a connection with an error.
    is(opened === 1 || (opened === 2 && missing.headers.get('connection') === 'close'), `${opened} connections`);
  },
};

/** 64 MiB, all at once and with backpressure. */
export const largeBodies: Check = {
  name: 'large bodies',
  setup: 'steady',
  async run(site) {
    const agent = site.agent();
    const whole = await site.get(agent, '/files/large');
    site.tally.expect(sha1(whole.body) === site.ground.sums.get('large'), 'other bytes of the large body, by bytes()');

    const sum = createHash('sha1');
    let length = 0;
    site.tally.requests++;
    const response = await firstValueFrom(agent.get('/files/large'));
    await lastValueFrom(
      response.body.pull(chunk =>
        defer(async () => {
          length += chunk.length;
          sum.update(chunk);
          await turn(); // a consumer slower than the server
        }),
      ),
      { defaultValue: undefined },
    );
    const right = length === largeSize && sum.digest('hex') === site.ground.sums.get('large');
    site.tally.expect(right, `other bytes of the large body, by pull: ${length}`);
    await site.getFile(agent, 1);
    site.tally.expect(agent.pool.stats().opened === 1, 'a large body cost its connection');
  },
};
