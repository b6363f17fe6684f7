const copies = new WeakSet<object>();

/**
 * A copy of lists, bytes and plain objects, as deep as they go, that nobody else has: what was checked, hashed and put in
 * a key is what is used later. Other objects, such as a `KeyObject`, cannot be changed and are taken as they are.
 */
export function deepCopy<T>(value: T): T {
  if (typeof value !== 'object' || value === null || copies.has(value)) return value;
  let copy: object;
  if (value instanceof Uint8Array) copy = Uint8Array.prototype.slice.call(value);
  else if (Array.isArray(value)) copy = value.map(item => deepCopy<unknown>(item));
  else if (isPlain(value)) {
    copy = Object.assign<object, object>(
      Object.create(null) as object,
      Object.fromEntries(Object.entries(value).map(([name, item]) => [name, deepCopy(item)])),
    );
  } else return value;
  copies.add(copy);
  return copy as T;
}

/** Made by a literal. The fields of anything else, such as a KeyObject, may not tell two of them apart. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * A copy of the own properties of `options`, on no prototype: each is read once (what the caller changes later, or a
 * getter would answer the second time, has no effect) and a polluted `Object.prototype` adds none.
 */
export function ownOptions<T extends object>(options: T): Readonly<T> {
  return Object.assign<object, T>(Object.create(null) as object, options);
}
