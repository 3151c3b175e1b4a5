/** What this browser remembers of a person: the theme, columns, the workspace.  Lost, it costs nothing. */
import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()

function tell() {
  for (const listener of listeners) listener()
}

const texts = new Map<string, string | null>()

function textOf(name: string): string | null {
  try {
    return localStorage.getItem(`millrace.${name}`)
  } catch {
    return texts.get(name) ?? null
  }
}

export function kept<T>(name: string) {
  return {
    read(): T | undefined {
      return parsed<T>(textOf(name))
    },
    write(value: T | undefined) {
      const text = value === undefined ? null : JSON.stringify(value)
      texts.set(name, text)
      try {
        if (text === null) localStorage.removeItem(`millrace.${name}`)
        else localStorage.setItem(`millrace.${name}`, text)
      } catch {
        // Closed or full: it lasts as long as the page.
      }
      tell()
    },
  }
}

function parsed<T>(text: string | null): T | undefined {
  if (text === null) return undefined
  try {
    return JSON.parse(text) as T
  } catch {
    return undefined
  }
}

/** Read and followed, also when another tab changes it. */
export function useKept<T>(name: string, otherwise: T): [T, (value: T | undefined) => void] {
  const text = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      addEventListener('storage', listener)
      return () => {
        listeners.delete(listener)
        removeEventListener('storage', listener)
      }
    },
    () => textOf(name),
  )
  return [parsed<T>(text) ?? otherwise, (value) => kept<T>(name).write(value)]
}
