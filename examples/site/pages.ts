import { createHash } from 'node:crypto';

export interface SitePage {
  readonly url: string;
  /** It is the n-th page of its host. */
  readonly n: number;
  readonly body: Buffer;
  /** The sha256 of the body, in hex. */
  readonly checksum: string;
}

const words = 'pool lease idle wait key dial quiet close retry stale frame chunk head body page link host'.split(' ');

/**
 * The pages of the site, dealt out to the hosts in turn: always the same ones, with the same links. Each is linked from
 * an earlier one, so that all can be found, and links to others at random. Every tenth is found only over a redirect.
 */
export function makePages(hosts: readonly string[], count: number): SitePage[] {
  const random = randomNumbers(2616);
  const pick = (below: number): number => Math.floor(random() * below);
  const urlOf = (i: number): string => `http://${hosts[i % hosts.length]}/${i === 0 ? '' : `pages/${i}`}`;
  const linkTo = (i: number): string => (i % 10 === 7 ? `http://${hosts[0]}/moved/${i}` : urlOf(i));
  return Array.from({ length: count }, (_, i) => {
    const targets = [3 * i + 1, 3 * i + 2, 3 * i + 3].filter(child => child < count);
    const links = [...targets, pick(count), pick(count)].map(
      target => `<li><a href="${linkTo(target)}">${target}</a></li>`,
    );
    const length = i % 60 === 3 ? 40_000 : 50 + pick(2_000);
    const text = Array.from({ length }, () => words[pick(words.length)]).join(' ');
    const body = Buffer.from(`<!doctype html>\n<title>Page ${i}</title>\n<ul>${links.join('')}</ul>\n<p>${text}</p>\n`);
    const checksum = createHash('sha256').update(body).digest('hex');
    return { url: urlOf(i), n: Math.floor(i / hosts.length), body, checksum };
  });
}

/** Numbers between 0 and 1 that are the same in every run (mulberry32). */
function randomNumbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
