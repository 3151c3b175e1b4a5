/** A new definition. */
import { useState } from 'react'
import { useLocation } from 'wouter'
import { ask } from '../api.ts'
import { askAgain } from '../asked.ts'
import { may, useMe } from '../shell/me.ts'
import { Page, tell, tellProblem } from '../ui/index.ts'
import { editor as words, words as room } from '../words/definitions.ts'
import { cleaned, EMPTY, useDraft } from './draft.ts'
import { Editor } from './editor.tsx'

export default function Write() {
  const me = useMe()
  const [, go] = useLocation()
  const [busy, setBusy] = useState(false)
  const drafting = useDraft('new', EMPTY, 0)
  async function save() {
    setBusy(true)
    try {
      const made = await ask('post', '/api/definitions', { body: cleaned(drafting.content) })
      drafting.reset(EMPTY)
      tell(words.saved(made.version))
      askAgain('/api/definitions')
      go(`/definitions/${made.id}`)
    } catch (error) {
      tellProblem(error)
      setBusy(false)
    }
  }
  return (
    <Page title={words.newTitle} above={[[room.title, '/definitions']]}>
      <Editor
        drafting={drafting}
        save={words.create}
        busy={busy}
        onSave={may(me, 'definitions:write') ? () => void save() : undefined}
      />
    </Page>
  )
}
