/**
 * Loaded before everything else in the storm's workers (`--import`): the clock of
 * a host that can be set wrong while its programs run.  Timers and `performance`
 * stay as they are: they count on another clock, which nobody can set.
 */
const Real = Date
let shift = 0
const now = () => Real.now() + shift

/** From now on this process believes that it is so much later, or earlier. */
export function moveClock(ms: number): void {
  shift += ms
}

globalThis.Date = new Proxy(Real, {
  construct: (target, given, asked) => Reflect.construct(target, given.length === 0 ? [now()] : given, asked) as Date,
  apply: () => new Real(now()).toString(),
  get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
})
