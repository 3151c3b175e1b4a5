/** Finds anything: pages, what can be done here, and what the rooms know by name. */
import { Dialog } from '@base-ui/react/dialog'
import { Search } from 'lucide-react'
import { useEffect, useId, useState, type KeyboardEvent } from 'react'
import { useLocation } from 'wouter'
import { Kbd } from '../ui/index.ts'
import { words } from '../words/shell.ts'
import { useOffered } from './keys.ts'
import type { Found, Room } from './rooms.ts'

interface Line {
  readonly name: string
  readonly group: string
  readonly keys?: string | undefined
  readonly remark?: string | undefined
  readonly run: () => void
}

/** Milliseconds after the last key, before the server is asked. */
const PAUSE = 120

export function Palette({ open, onClose, rooms }: { open: boolean; onClose: () => void; rooms: readonly Room[] }) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-50 bg-veil" />
        <Dialog.Popup className="raised fixed top-[12vh] left-1/2 z-50 flex max-h-[70vh] w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 flex-col overflow-clip">
          <Dialog.Title className="sr-only">{words.palette.title}</Dialog.Title>
          <Finder onClose={onClose} rooms={rooms} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function Finder({ onClose, rooms }: { onClose: () => void; rooms: readonly Room[] }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const [, go] = useLocation()
  const found = useFound(text.trim(), rooms)
  const list = useId()
  const wanted = text.trim().toLowerCase()
  const lines: Line[] = [
    ...rooms.map((room) => ({
      name: room.name,
      group: words.palette.pages,
      keys: `g ${room.key}`,
      run: () => go(room.path),
    })),
    ...useOffered()
      .filter(({ quiet, keys }) => quiet !== true && keys?.startsWith('g ') !== true)
      .map(({ name, keys, run }) => ({ name, group: words.palette.actions, keys, run })),
  ].filter(({ name }) => name.toLowerCase().includes(wanted))
  lines.push(...found.map(({ name, href, remark, group }) => ({ name, group, remark, run: () => go(href) })))
  const current = lines[Math.min(at, lines.length - 1)]
  const take = (line: Line | undefined) => {
    if (line === undefined) return
    onClose()
    line.run()
  }
  const press = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0) {
      event.preventDefault()
      setAt((Math.min(at, lines.length - 1) + step + lines.length) % Math.max(1, lines.length))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      take(current)
    }
  }
  return (
    <>
      <div className="flex items-center gap-2 border-b border-line px-4">
        <Search aria-hidden size={16} className="text-faint" />
        <input
          role="combobox"
          aria-expanded
          aria-controls={list}
          aria-activedescendant={current === undefined ? undefined : `${list}-${lines.indexOf(current)}`}
          aria-label={words.palette.title}
          placeholder={words.palette.placeholder}
          value={text}
          onChange={({ target }) => {
            setText(target.value)
            setAt(0)
          }}
          onKeyDown={press}
          className="h-12 w-full bg-transparent text-lg outline-none placeholder:text-faint"
        />
        <Kbd keys="Esc" />
      </div>
      <ul id={list} role="listbox" aria-label={words.palette.title} className="min-h-0 overflow-y-auto p-2">
        {lines.length === 0 ? <li className="px-3 py-6 text-center text-dim">{words.palette.none}</li> : null}
        {lines.map((line, i) => (
          <li
            key={`${line.group} ${line.name}`}
            id={`${list}-${i}`}
            role="option"
            aria-selected={line === current}
            ref={(item) => {
              if (line === current) item?.scrollIntoView({ block: 'nearest' })
            }}
            onPointerMove={() => setAt(i)}
            onClick={() => take(line)}
            className={`flex cursor-default items-center justify-between gap-3 rounded-md px-3 py-2 ${line === current ? 'bg-sunk' : ''}`}
          >
            <span className="cut">{line.name}</span>
            <span className="flex shrink-0 items-center gap-2 text-sm text-faint">
              {line.remark ?? line.group}
              {line.keys?.split(' ').map((key) => (
                <Kbd key={key} keys={key} />
              ))}
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}

function useFound(text: string, rooms: readonly Room[]): readonly (Found & { group: string })[] {
  const [found, setFound] = useState<readonly (Found & { group: string })[]>([])
  useEffect(() => {
    let over = false
    const timer = setTimeout(() => {
      if (text === '') return setFound([])
      void Promise.all(
        rooms.map(async ({ name, find }) =>
          ((await find?.(text).catch(() => [])) ?? []).map((one) => ({ ...one, group: name })),
        ),
      ).then((all) => over || setFound(all.flat()))
      return undefined
    }, PAUSE)
    return () => {
      over = true
      clearTimeout(timer)
    }
  }, [text, rooms])
  return found
}
