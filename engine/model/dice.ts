/** Choices from a seed, so that every sequence can be played again. */
export interface Dice {
  /** 0 … of − 1 */
  int(of: number): number
  chance(of: number): boolean
  /** One of them; undefined if there is none. */
  pick<T>(of: readonly T[]): T | undefined
  /** One of a list that is not empty. */
  one<T>(...of: readonly [T, ...T[]]): T
  some<T>(of: readonly T[], most: number): T[]
}

export function diceFrom(seed: number): Dice {
  // mulberry32
  let state = seed >>> 0
  const roll = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const int = (of: number) => Math.floor(roll() * of)
  return {
    int,
    chance: (of) => roll() < of,
    pick: (of) => of[int(of.length)],
    one: (...of) => of[int(of.length)] ?? of[0],
    some(of, most) {
      const rest = [...of]
      const picked = []
      for (let left = Math.min(most, rest.length); left > 0; left -= 1) picked.push(...rest.splice(int(rest.length), 1))
      return picked
    },
  }
}
