/**
 * A copy of the own properties of `options`, on no prototype: each is read once (what the caller changes later, or a
 * getter would answer the second time, has no effect) and a polluted `Object.prototype` adds none.
 */
export function ownOptions<T extends object>(options: T): Readonly<T> {
  return Object.assign<object, T>(Object.create(null) as object, options);
}
