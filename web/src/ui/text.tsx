/** What somebody or a model wrote: always text, whatever is in it; a line in it may be marked; a long one is cut until asked for. */
import { useState } from 'react'
import { count } from '../shown.ts'
import { words } from '../words/ui.ts'

const SHOWN = 12_000

export function Text({ text, mark }: { text: string; mark?: string | undefined }) {
  const [whole, setWhole] = useState(false)
  const cut = !whole && text.length > SHOWN
  const shown = cut ? text.slice(0, SHOWN) : text
  const at = mark === undefined || mark === '' ? -1 : shown.indexOf(mark)
  return (
    <>
      <p dir="auto" className="break-words whitespace-pre-wrap">
        {at === -1 || mark === undefined ? (
          shown
        ) : (
          <>
            {shown.slice(0, at)}
            <mark className="rounded-sm bg-warn-wash px-0.5 text-ink">{mark}</mark>
            {shown.slice(at + mark.length)}
          </>
        )}
      </p>
      {cut ? (
        <button type="button" onClick={() => setWhole(true)} className="mt-1 text-sm text-accent hover:underline">
          {words.folded} ({count(text.length)})
        </button>
      ) : null}
    </>
  )
}
