/** A deed that takes its time: done once at a time, and told when it goes wrong. */
import { useCallback, useRef, useState } from 'react'
import { tellProblem } from './toast.tsx'

/**
 * `act(deed)` does it, and nothing while it is under way: who presses twice has pressed once.
 * What goes wrong is told, or given to `otherwise`; `busy` ends after that in any case.
 */
export function useAct(
  otherwise: (error: unknown) => unknown = tellProblem,
): [busy: boolean, act: (deed: () => Promise<unknown>) => void] {
  const [busy, setBusy] = useState(false)
  // Two presses may come before it is drawn that there was one.
  const under = useRef(false)
  const latest = useRef(otherwise)
  latest.current = otherwise
  const act = useCallback((deed: () => Promise<unknown>) => {
    if (under.current) return
    under.current = true
    setBusy(true)
    const whole = async () => {
      try {
        await deed()
      } catch (error) {
        await latest.current(error)
      } finally {
        under.current = false
        setBusy(false)
      }
    }
    void whole()
  }, [])
  return [busy, act]
}
