import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Subject } from 'rxjs';
import { checks } from '../../examples/checks.js';
import { run, siteJob } from '../../examples/crawl.js';
import type { Report } from '../../examples/report.js';
import { type Site, startSite } from '../../examples/site/startSite.js';

// Real sockets, real timeouts, and on a busy machine some more of them.
jest.setTimeout(30_000);

describe('the crawler of examples/', () => {
  let site: Site;
  let report: Report;

  beforeAll(async () => {
    site = await startSite({ pages: 120 });
    report = await run(siteJob(site));
  });

  afterAll(() => site.close());

  it('should fetch exactly the pages of the site and pass every check', () => {
    expect(checks(site, report).filter(({ ok }) => !ok)).toEqual([]);
    expect(report.failures).toEqual([]);
    expect(report.pages.map(page => page.url).sort()).toEqual([...site.pages.keys()].sort());
  });

  it('should tell of every host in the table', () => {
    const table = report.table();
    for (const host of site.hosts) {
      expect(table).toMatch(new RegExp(`^${host.replace(/:\d+$/, '')} +20 +\\d+ +\\d+ +\\d+ % `, 'm'));
    }
    expect(table).toMatch(/^all +120 /m);
  });

  it('should fail the check of each thing that is not as it must be', () => {
    const { pages, total, caps, peakPerHost } = report;
    const judge = (changes: object): boolean[] => {
      const changed = { pages, total, caps, peakPerHost, ...changes } as Report;
      return checks(site, changed).map(({ ok }) => ok);
    };

    expect(judge({})).toEqual([true, true, true, true, true]);
    expect(judge({ pages: pages.slice(1) })).toEqual([false, true, true, true, true]);
    expect(judge({ pages: [...pages, pages[0]] })).toEqual([false, true, true, true, true]);
    expect(judge({ pages: [...pages, { ...pages[0], url: 'http://elsewhere.test/' }] })[0]).toBe(false);
    expect(judge({ pages: [{ ...pages[0], checksum: pages[1].checksum }, ...pages.slice(1)] })[1]).toBe(false);
    expect(judge({ pages: [] }).slice(0, 2)).toEqual([false, false]);
    expect(judge({ total: { ...total, retries: 0 } })).toEqual([true, true, false, true, true]);
    expect(judge({ total: { ...total, stalls: 0 } })).toEqual([true, true, true, false, true]);
    expect(judge({ total: { ...total, peakOpen: caps.maxConnections + 1 } })[4]).toBe(false);
    expect(judge({ peakPerHost: caps.maxConnectionsPerHost + 1 })[4]).toBe(false);
  });
});

describe('the crawler of examples/, when something is wrong', () => {
  it('should notice a page that came with a wrong byte', async () => {
    const site = await startSite({ pages: 30, corrupt: true });
    const report = await run(siteJob(site));
    await site.close();
    const [exactly, checksum] = checks(site, report);
    expect(exactly.ok).toBe(true);
    expect(checksum).toEqual({ ok: false, what: expect.stringContaining('1 wrong') });
  });

  it('should end and close everything when it is told to stop in the middle', async () => {
    const site = await startSite({ pages: 120 });
    const stop$ = new Subject<void>();
    const job = siteJob(site);
    let asked = 0;
    const report = await run(
      {
        ...job,
        wanted: (url, page) => {
          if (++asked === 40) stop$.next();
          return job.wanted(url, page);
        },
      },
      stop$,
    );
    await site.close();
    expect(report.pages.length).toBeGreaterThan(0);
    expect(report.pages.length).toBeLessThan(120);
    expect(report.open).toBe(0);
    expect(report.failures).toEqual([]);
  });
});
