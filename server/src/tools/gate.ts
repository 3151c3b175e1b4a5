/** How many calls of a tool go on at a time; who comes first goes first. */
export interface Gate {
  /** Resolves when it is one's turn; never, where the signal was aborted before. */
  enter(signal: AbortSignal): Promise<void>
  leave(): void
}

export function openGate(most: number): Gate {
  let inside = 0
  const waiting = new Set<() => void>()
  return {
    enter(signal) {
      if (inside < most) {
        inside += 1
        return Promise.resolve()
      }
      return new Promise((resolve) => {
        waiting.add(resolve)
        signal.addEventListener('abort', () => waiting.delete(resolve), { once: true })
      })
    },
    leave() {
      const [next] = waiting
      if (next === undefined) inside -= 1
      else {
        waiting.delete(next)
        next()
      }
    },
  }
}
