import { describe, expect, it } from '@jest/globals';
import { askNode } from './atNode.js';
import type { Peer, Row } from './Case.js';
import { responses } from './tables/index.js';

// The column `node` of the tables, verified on the Node that runs this.

const [major, minor, patch] = process.versions['llhttp']!.split('.').map(Number);
const since = major * 10_000 + minor * 100 + patch >= 9_04_03;

function column([, , , , { node } = {}]: Row): Peer | undefined {
  return typeof node === 'object' ? node[since ? 'since' : 'before'] : node;
}

/** Its limits are not settings of a request, and what nobody asked for is asked nowhere. */
const comparable = Object.values(responses)
  .flat()
  .filter(([, , , , scene]) => scene?.limits === undefined && scene?.unsolicited !== true);

describe('P0 node:http on the same bytes', () => {
  it('does what the tables say', async () => {
    const title = ([rule, what]: Row, peer: Peer | undefined) => `${rule} ${what}: ${peer ?? 'the same'}`;
    const found = await Promise.all(comparable.map(async row => title(row, await askNode(row))));
    expect(found).toEqual(comparable.map(row => title(row, column(row))));
  }, 30_000);

  it('is nowhere stricter, nor undici, but for a reason', () => {
    const unreasoned = Object.values(responses)
      .flat()
      .filter(([, , , , { node, undici, why } = {}]) => {
        const peers = [undici, ...(typeof node === 'object' ? [node.before, node.since] : [node])];
        return why === undefined && peers.some(peer => peer === 'refuses' || peer === 'differs');
      });
    expect(unreasoned.map(([rule, what]) => `${rule} ${what}`)).toEqual([]);
  });
});
