import type { Report } from './report.js';
import type { Site } from './site/startSite.js';

export interface Check {
  readonly ok: boolean;
  readonly what: string;
}

/** What must be true of a crawl of the loopback site. */
export function checks({ pages }: Site, report: Report): Check[] {
  const { total, caps, peakPerHost } = report;
  const fetched = new Set(report.pages.map(page => page.url));
  const missing = [...pages.keys()].filter(url => !fetched.has(url));
  const foreign = [...fetched].filter(url => !pages.has(url));
  const twice = report.pages.length - fetched.size;
  const wrong = report.pages.filter(page => pages.has(page.url) && pages.get(page.url) !== page.checksum);
  const retries = report.total.retries;
  return [
    {
      ok: missing.length + foreign.length + twice === 0,
      what:
        `the pages fetched are exactly the ${pages.size} of the site: ` +
        `${missing.length} missing, ${foreign.length} foreign, ${twice} twice${first([...missing, ...foreign])}`,
    },
    {
      ok: wrong.length === 0 && report.pages.length > 0,
      what: `each has its checksum: ${wrong.length} wrong${first(wrong.map(page => page.url))}`,
    },
    { ok: retries >= 1, what: `connections that closed under a request were retried: ${retries}` },
    { ok: total.stalls >= 1, what: `stalls were survived: ${total.stalls}` },
    {
      ok: total.peakOpen >= 1 && total.peakOpen <= caps.maxConnections && peakPerHost <= caps.maxConnectionsPerHost,
      what: `open connections never passed the caps: ${total.peakOpen} of ${caps.maxConnections}, ${peakPerHost} of ${caps.maxConnectionsPerHost} to one host`,
    },
  ];
}

function first([url]: string[]): string {
  return url === undefined ? '' : `, the first is ${url}`;
}
