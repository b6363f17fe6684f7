// What is made of samples on a noisy machine: medians, and paired ratios with an interval.

export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const above = Math.ceil(at);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

export const median = values => quantile(values, 0.5);

/** A small generator with a seed: the same samples give the same interval. (mulberry32) */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * The median of the ratios of two clients' figures within the same rotation, and its 95 % interval by bootstrap: what the
 * machine does to one rotation it does to both.
 */
export function pairedRatio(ours, theirs, resamples = 2_000) {
  const ratios = ours.map((value, at) => value / theirs[at]).filter(Number.isFinite);
  const next = random(1);
  const medians = Array.from({ length: resamples }, () =>
    median(Float64Array.from(ratios, () => ratios[Math.floor(next() * ratios.length)])),
  );
  return { ratio: median(ratios), low: quantile(medians, 0.025), high: quantile(medians, 0.975), n: ratios.length };
}
