/** Runs that stay up to date: the answer that was asked for, and what the feed tells since. */
import { useEffect, useRef, useState } from 'react'
import type { Run } from '../api.ts'
import { useAsked, type Asked } from '../asked.ts'
import { useMovingRuns } from '../feed.ts'

/** The newest runs of the workspace that one looks at, as they are now. */
export function useNewestRuns(workspace: number | undefined): [Asked<readonly Run[]>, () => Promise<void>] {
  const [asked, again] = useAsked('/api/feed', {}, { moves: true })
  const moved = useMoved()
  if (asked.data === undefined) return [{ ...asked, data: undefined }, again]
  const all = new Map(asked.data.items.map((run) => [run.id, run]))
  for (const run of moved.values()) all.set(run.id, newer(all.get(run.id), run))
  const runs = [...all.values()]
    .filter((run) => workspace === undefined || run.workspace === workspace)
    .toSorted((a, b) => b.id - a.id)
  return [{ ...asked, data: runs }, again]
}

/** What the feed has told since this is shown, by number. */
export function useMoved(): ReadonlyMap<number, Run> {
  const [moved, setMoved] = useState<ReadonlyMap<number, Run>>(new Map())
  useMovingRuns((runs) =>
    setMoved((before) => {
      const after = new Map(before)
      for (const run of runs) after.set(run.id, newer(after.get(run.id), run))
      return after
    }),
  )
  return moved
}

/** Of two pictures of a run the later one: events are numbered in the order of what happened. */
export function newer(one: Run | undefined, other: Run): Run {
  return one === undefined || other.lastEvent >= one.lastEvent ? other : one
}

export const isOver = ({ finishedAt }: Pick<Run, 'finishedAt'>) => finishedAt !== null

/** Calls at most once in so many milliseconds, the last call included. */
export function useThrottled(milliseconds: number, call: () => void): () => void {
  const latest = useRef(call)
  latest.current = call
  const state = useRef({ at: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined })
  useEffect(() => {
    const { current } = state
    return () => {
      clearTimeout(current.timer)
      current.timer = undefined
    }
  }, [])
  return useRef(() => {
    const { current } = state
    if (current.timer !== undefined) return
    const pause = Math.max(0, current.at + milliseconds - Date.now())
    current.timer = setTimeout(() => {
      current.timer = undefined
      current.at = Date.now()
      latest.current()
    }, pause)
  }).current
}
