import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { ResponseParser } from '../../src/wire/index.js';
import { Campaign, Tally, type Case } from './campaign.js';
import { divergences } from './divergences.js';
import { applies, Judge } from './explain.js';
import { load } from './load.js';
import { LlhttpReader, nodeParserClass } from './readLlhttp.js';
import { readOurs } from './readOurs.js';
import { seededBugs } from './seededBugs.js';

const folder = join(__dirname, 'cases');
const cases = readdirSync(folder).map(name => ({
  name,
  ...(JSON.parse(readFileSync(join(folder, name), 'utf8')) as Case),
}));

let campaign: Campaign;
beforeAll(async () => {
  campaign = await Campaign.make();
});

describe('the wire beside node:http', () => {
  it('differs on 50 000 random responses only where the list says why', async () => {
    const tally = new Tally();
    for (const seed of [1, 2, 3, 4, 5]) expect(await campaign.search('responses', seed, 10_000, tally)).toBeNull();
    // A run that gets nowhere finds nothing there.
    expect(tally.executions).toBe(50_000);
    expect(tally.outcomes['end']).toBeGreaterThan(10_000);
    expect(tally.outcomes['refused']).toBeGreaterThan(10_000);
    expect(tally.outcomes['upgrade']).toBeGreaterThan(1_000);
  }, 60_000);

  it('is to whole clients what it is to the parser, in 1 000 random scenes', async () => {
    const tally = new Tally();
    expect(await campaign.search('clients', 1, 1_000, tally)).toBeNull();
    expect(tally.outcomes['asked Node too']).toBeGreaterThan(500);
  }, 60_000);

  it('writes 10 000 random requests as they were asked for, or not at all', async () => {
    const tally = new Tally();
    expect(await campaign.search('requests', 1, 10_000, tally)).toBeNull();
    expect(tally.outcomes['written']).toBeGreaterThan(3_000);
    expect(tally.outcomes['refused']).toBeGreaterThan(3_000);
  }, 60_000);

  it.each(cases)('keeps what was broken once: $name', async each => {
    expect(await campaign.replay(each)).toBeUndefined();
  });
});

describe('The list of divergences', () => {
  it.each(divergences.filter(applies))('has what there is: $name', async ({ name, example }) => {
    const judge = new Judge(new ResponseParser(), new LlhttpReader(await nodeParserClass()));
    const play = { method: 'GET' as const, upgrade: false, cuts: [], ...example };
    const bytes = Buffer.from(play.text, 'latin1');
    expect(judge.explain(play, bytes, readOurs(new ResponseParser(), bytes, [], play))).toEqual([name]);
  });
});

describe('The fuzzer', () => {
  it.each(seededBugs)(
    'finds a seeded bug in the $kind: $name',
    async bug => {
      const { Campaign: Broken } = await load(bug, require);
      expect(await (await Broken.make()).search(bug.kind, 1, 20_000, undefined, false)).not.toBeNull();
    },
    60_000,
  );
});
