/** A definition that is kept, edited: saving makes a version, and says so where somebody else was faster. */
import { useState } from 'react'
import { ask, problemIn, type Definition } from '../api.ts'
import { askAgain } from '../asked.ts'
import { kept } from '../kept.ts'
import { may, useMe } from '../shell/me.ts'
import { Button, tell, tellProblem, useAct } from '../ui/index.ts'
import { editor as words } from '../words/definitions.ts'
import { cleaned, useDraft, type Content } from './draft.ts'
import { Editor } from './editor.tsx'
import type { FieldName } from './fields.tsx'

const FIELDS: readonly FieldName[] = [
  'name',
  'preamble',
  'preambleAs',
  'template',
  'dimensions',
  'followups',
  'decision',
  'tags',
]

/** What is otherwise than it was saved; null for what is there no more. */
export function changedIn(before: Content, after: Content): Record<string, unknown> {
  return Object.fromEntries(
    FIELDS.flatMap((field) =>
      JSON.stringify(before[field]) === JSON.stringify(after[field]) ? [] : [[field, after[field] ?? null]],
    ),
  )
}

export function Edit({ of, again }: { of: Definition; again: () => Promise<void> }) {
  const me = useMe()
  const place = String(of.id)
  // Unsaved work may stand on an older version than the one that is there now.
  const [base, setBase] = useState(() => kept<{ base: number }>(`draft.${place}`).read()?.base ?? of.version)
  const [busy, act] = useAct((error) => {
    if (problemIn(error).code === 'DEFINITION_CHANGED') {
      setConflict(true)
      void again()
    } else tellProblem(error)
  })
  const [conflict, setConflict] = useState(base !== of.version)
  const drafting = useDraft(place, of.content, base)
  const write = may(me, 'definitions:write')
  const patch = (body: object, on: number) =>
    act(async () => {
      const next = await ask('patch', '/api/definitions/{id}', {
        path: { id: of.id },
        body: { ...body, baseVersion: on },
      })
      drafting.reset(next.content)
      tell(next.version === of.version ? words.nothing : words.saved(next.version))
      askAgain('/api/definitions')
      await again()
    })
  const save = (on: number) => patch({ set: changedIn(of.content, cleaned(drafting.content)) }, on)
  return (
    <>
      {conflict && drafting.dirty ? (
        <div
          role="alert"
          className="flex flex-wrap items-center justify-between gap-3 rounded-lg border border-warn bg-warn-wash px-4 py-2.5"
        >
          {words.conflict}
          <Button
            size="small"
            onClick={() => {
              setBase(of.version)
              setConflict(false)
              save(of.version)
            }}
          >
            {words.over}
          </Button>
        </div>
      ) : null}
      <Editor
        drafting={drafting}
        save={words.save}
        busy={busy}
        onSave={write ? () => save(base) : undefined}
        inheritance={
          of.overridden === null
            ? undefined
            : {
                overridden: of.overridden,
                inherit: write && !drafting.dirty ? (field) => patch({ inherit: [field] }, of.version) : undefined,
              }
        }
      />
    </>
  )
}
